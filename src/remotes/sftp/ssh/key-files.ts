/** Private keys in files: what is known of them without a passphrase, and how they are decrypted. */
import { readFile, stat } from 'node:fs/promises';
import ssh2, { type ParsedKey } from 'ssh2';
import { cleanText } from '../../../util/clean-text.ts';
import type { HashName, Identity, IdentitySpec } from './identity.ts';
import { fromPkcs8 } from './pkcs8.ts';
import type { SecretTries } from './secrets.ts';
import type { IdentityFile } from './ssh-settings.ts';

/** A file that contains a key. */
export interface KeyFile {
  readonly path: string;
  /** Whether the user named it. */
  readonly explicit: boolean;
  readonly isEncrypted: boolean;
  /** Undefined for a key that is encrypted as a whole and has no `.pub` file beside it. */
  readonly publicKey: ParsedKey | undefined;
  /** Whether the file has the private half. A file with only a public key can still name a key of the agent. */
  readonly hasPrivateKey: boolean;
  /**
   * The decrypted key. All calls together ask for the passphrase at most as often as `tries` has answers, and have the
   * same result. Rejects with an `Error` whose message is for people where no passphrase is right.
   */
  unlock(tries: SecretTries): Promise<ParsedKey>;
  readonly content: Buffer;
  /** The right passphrase; undefined before it is known, and where the key is not encrypted. */
  readonly passphrase: () => string | undefined;
}

/** `problem`: why the file cannot be used, for the error when authentication fails. */
export type LoadedKeyFile = KeyFile | { readonly problem: string } | undefined;

/** Reads a key file. Undefined where a file that the user did not name does not exist. Never throws. */
export async function loadKeyFile({ path, explicit }: IdentityFile): Promise<LoadedKeyFile> {
  const problem = (text: string) => ({ problem: `${cleanText(path)}: ${text}` });
  let content: Buffer;
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size > 1024 * 1024) return problem('not a key file');
    content = await readFile(path);
    const uid = process.getuid?.();
    const isPrivate = content.includes('PRIVATE KEY');
    // As in ssh (authfile.c): a private key that others can read is not used.
    if (isPrivate && uid !== undefined && found.uid === uid && (found.mode & 0o077) !== 0) {
      return problem('others may read it (chmod 600)');
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return explicit ? problem('does not exist') : undefined;
    return problem('cannot be read');
  }
  const parsed = parse(content);
  if (!(parsed instanceof Error)) return keyFile(path, explicit, content, parsed);
  if (/^\S+-cert-v\d+@openssh\.com /.test(content.toString('latin1', 0, 100))) {
    return problem('is a certificate, which this program cannot use');
  }
  if (!/encrypted/i.test(parsed.message)) return problem(withAdvice(content, parsed.message));
  return encryptedKeyFile(path, explicit, content, publicKeyIn(content) ?? (await publicKeyBeside(path)));
}

/** Names the command that converts a key into a format that can be read. */
function withAdvice(content: Buffer, message: string): string {
  const isPutty = content.toString('latin1', 0, 30).startsWith('PuTTY-User-Key-File-');
  return isPutty ? `${message} (puttygen KEY -O private-openssh -o NEW converts it)` : message;
}

/** The identity of a key file whose public half is known. */
export function keyFileIdentity(file: KeyFile, publicKey: ParsedKey, tries: SecretTries): Identity {
  return {
    label: `key ${cleanText(file.path)}`,
    publicKey,
    sign: async (data, hash) => signWith(await file.unlock(tries), data, hash),
    spec: () => {
      const passphrase = file.passphrase();
      return { kind: 'file', path: file.path, content: file.content, ...(passphrase !== undefined && { passphrase }) };
    },
  };
}

/**
 * In another thread: the identity of a key file that was read and decrypted before.
 * @throws {Error} when the content cannot be parsed
 */
export function keyIdentity({ path, content, passphrase }: Extract<IdentitySpec, { kind: 'file' }>): Identity {
  const parsed = parse(Buffer.from(content), passphrase);
  if (parsed instanceof Error) throw parsed;
  const file = keyFile(path, true, Buffer.from(content), parsed);
  return keyFileIdentity({ ...file, passphrase: () => passphrase }, parsed, NO_TRIES);
}

/** For keys that are decrypted already. */
const NO_TRIES: SecretTries = { left: false, next: () => Promise.resolve(undefined) };

function signWith(key: ParsedKey, data: Buffer, hash: HashName): Buffer {
  // ssh2 returns an Error instead of throwing it.
  const signature: unknown = key.sign(data, hash);
  if (Buffer.isBuffer(signature)) return signature;
  throw signature instanceof Error ? signature : new Error('the key cannot sign');
}

function keyFile(path: string, explicit: boolean, content: Buffer, key: ParsedKey): KeyFile {
  return {
    path,
    explicit,
    isEncrypted: false,
    publicKey: key,
    hasPrivateKey: key.isPrivateKey(),
    unlock: () => Promise.resolve(key),
    content,
    passphrase: () => undefined,
  };
}

function encryptedKeyFile(path: string, explicit: boolean, content: Buffer, publicKey: ParsedKey | undefined): KeyFile {
  let unlocked: Promise<ParsedKey> | undefined;
  let right: string | undefined;
  const tryAll = async (tries: SecretTries): Promise<ParsedKey> => {
    for (let problem: string | undefined; ; problem = 'That passphrase is wrong.') {
      const passphrase = await tries.next(`Enter passphrase for key '${cleanText(path)}': `, problem);
      if (passphrase === undefined || passphrase === '') throw new Error(`${cleanText(path)}: no right passphrase`);
      const key = parse(content, passphrase);
      if (key instanceof Error) continue;
      right = passphrase;
      return key;
    }
  };
  return {
    path,
    explicit,
    isEncrypted: true,
    publicKey,
    hasPrivateKey: true,
    unlock: (tries) => {
      unlocked ??= tryAll(tries);
      return unlocked;
    },
    content,
    passphrase: () => right,
  };
}

function parse(content: Buffer, passphrase?: string): ParsedKey | Error {
  try {
    const converted = fromPkcs8(content, passphrase);
    const parsed: ParsedKey | ParsedKey[] | Error = ssh2.utils.parseKey(converted ?? content, passphrase);
    if (!Array.isArray(parsed)) return parsed;
    return parsed[0] ?? new Error('holds no key');
  } catch (error) {
    return error instanceof Error ? error : new Error('cannot be read as a key');
  }
}

async function publicKeyBeside(path: string): Promise<ParsedKey | undefined> {
  const content = await readFile(`${path}.pub`).catch(() => undefined);
  const parsed = content === undefined ? undefined : parse(content);
  return parsed instanceof Error ? undefined : parsed;
}

/** The format of OpenSSH contains the public half unencrypted, even if the private half is encrypted (PROTOCOL.key). */
function publicKeyIn(content: Buffer): ParsedKey | undefined {
  const armoured = /-----BEGIN OPENSSH PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END/.exec(
    content.toString('latin1'),
  )?.[1];
  const bytes = armoured === undefined ? undefined : Buffer.from(armoured, 'base64');
  const magic = 'openssh-key-v1\0';
  if (bytes?.toString('latin1', 0, magic.length) !== magic) return undefined;
  let offset = magic.length;
  const string = (): Buffer | undefined => {
    if (offset + 4 > bytes.length) return undefined;
    const begin = offset + 4;
    offset = begin + bytes.readUInt32BE(offset);
    return offset > bytes.length ? undefined : bytes.subarray(begin, offset);
  };
  for (const _ of ['cipher', 'kdf', 'kdf options']) if (string() === undefined) return undefined;
  offset += 4;
  const blob = string();
  const parsed = blob === undefined ? undefined : parse(blob);
  return parsed instanceof Error ? undefined : parsed;
}
