/** `RevokedHostKeys` (ssh_config(5)): files of host keys that are never accepted. */
import { readFile } from 'node:fs/promises';
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';

/** Key revocation lists (ssh-keygen(1), KEY REVOCATION LISTS) begin with this. */
const KRL_MAGIC = 'SSHKRL\n\0';

/**
 * Where `blob` is revoked, as `file:line`; empty where it is not. A file has one public key per line.
 * @throws {CopyError} `host-key-revoked`: when a file cannot be read, because nobody knows then which keys are revoked,
 *   as in OpenSSH
 */
export async function revokedBy(blob: Uint8Array, files: readonly string[]): Promise<string[]> {
  const found = await Promise.all(files.map((file) => linesWith(blob, file)));
  return found.flat();
}

async function linesWith(blob: Uint8Array, file: string): Promise<string[]> {
  const text = await readFile(file, 'latin1').catch((error: unknown) => {
    throw notUsable(file, 'cannot be read', error);
  });
  if (text.startsWith(KRL_MAGIC)) throw notUsable(file, 'is a binary revocation list, which only ssh itself reads');
  const encoded = Buffer.from(blob).toString('base64');
  return text.split('\n').flatMap((line, index) => {
    const [, second] = line.trim().split(/[ \t]+/);
    return second === encoded ? [`${file}:${index + 1}`] : [];
  });
}

function notUsable(file: string, why: string, cause?: unknown): CopyError {
  return new CopyError('host-key-revoked', `RevokedHostKeys: ${cleanText(file)} ${why}, so that no key is accepted.`, {
    advice: 'Correct the file or its name; --ssh uses ssh itself.',
    ...(cause !== undefined && { cause }),
  });
}
