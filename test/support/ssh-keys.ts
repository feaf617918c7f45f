import { readFile } from 'node:fs/promises';
import { runOk } from './process.ts';

export type HostKeyType = 'ed25519' | 'rsa' | 'ecdsa';

/** Makes a key pair without passphrase at `path` and `path.pub`. */
export async function makeKey(
  path: string,
  type: HostKeyType,
  options: { pem?: boolean; comment?: string } = {},
): Promise<void> {
  const bits = type === 'rsa' ? ['-b', '2048'] : [];
  const format = options.pem ? ['-m', 'PEM'] : [];
  await runOk('ssh-keygen', [
    '-q',
    '-t',
    type,
    ...bits,
    ...format,
    '-N',
    '',
    '-C',
    options.comment ?? 'test',
    '-f',
    path,
  ]);
}

/** `TYPE BASE64` of a public key, as known_hosts has it. */
export async function publicKey(path: string): Promise<string> {
  const [type, base64] = (await readFile(`${path}.pub`, 'utf8')).split(' ');
  return `${type} ${base64?.trim()}`;
}
