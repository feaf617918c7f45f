/** Private keys in files: what is known of them without a passphrase, and how they are decrypted. */
import { readFile, stat } from 'node:fs/promises';
import ssh2, { type ParsedKey } from 'ssh2';
import { cleanText } from '../../../util/clean-text.ts';
import type { HashName, Identity, IdentitySpec } from './identity.ts';
import { KeyFields } from './key-fields.ts';
import { fromPkcs8 } from './pkcs8.ts';
import { fromPpk, publicBlobOfPpk, UnusableKeyError } from './ppk.ts';
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
  /** In a format of ssh2. */
  readonly content: Buffer;
  /** The right passphrase; undefined before it is known, and where the content is not encrypted. */
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
    const isPrivate = content.includes('PRIVATE KEY') || content.includes('PuTTY-User-Key-File-');
    // As in ssh (authfile.c): a private key that others can read is not used.
    if (isPrivate && uid !== undefined && found.uid === uid && (found.mode & 0o077) !== 0) {
      return problem('others may read it (chmod 600)');
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return explicit ? problem('does not exist') : undefined;
    return problem('cannot be read');
  }
  const parsed = await read(content);
  if (!(parsed instanceof Error)) return keyFile(path, explicit, parsed.content, parsed.key);
  if (/^\S+-cert-v\d+@openssh\.com /.test(content.toString('latin1', 0, 100))) {
    return problem('is a certificate, which --ssh lets ssh use');
  }
  if (!/encrypted/i.test(parsed.message)) return problem(withAdvice(content, parsed.message));
  return encryptedKeyFile(path, explicit, content, publicKeyIn(content) ?? (await publicKeyBeside(path)));
}

export type LoadKeyFile = typeof loadKeyFile;

/** The same, but reads each file only once, so that whoever uses it needs no other passphrase. */
export function loadKeyFilesOnce(): LoadKeyFile {
  const loaded = new Map<string, Promise<LoadedKeyFile>>();
  return (file) => {
    const name = `${file.explicit} ${file.path}`;
    const known = loaded.get(name) ?? loadKeyFile(file);
    loaded.set(name, known);
    return known;
  };
}

/** Names the command that converts a key into a format that can be read. */
function withAdvice(content: Buffer, message: string): string {
  // Version 1 is older than PuTTY 0.52.
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
  let readable = content;
  const tryAll = async (tries: SecretTries): Promise<ParsedKey> => {
    for (let problem: string | undefined; ; problem = 'That passphrase is wrong.') {
      const passphrase = await tries.next(`Enter passphrase for key '${cleanText(path)}': `, problem);
      if (passphrase === undefined || passphrase === '') throw new Error(`${cleanText(path)}: no right passphrase`);
      const found = await read(content, passphrase);
      if (found instanceof UnusableKeyError) throw new Error(`${cleanText(path)}: ${found.message}`);
      if (found instanceof Error) continue;
      readable = found.content;
      if (readable === content) right = passphrase;
      return found.key;
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
    get content() {
      return readable;
    },
    passphrase: () => right,
  };
}

interface ReadKey {
  readonly key: ParsedKey;
  /** In a format of ssh2: `content` itself, or what it was converted to, which is not encrypted. */
  readonly content: Buffer;
}

async function read(content: Buffer, passphrase?: string): Promise<ReadKey | Error> {
  try {
    const converted = fromPkcs8(content, passphrase) ?? (await fromPpk(content, passphrase));
    const readable = converted === undefined ? content : Buffer.from(converted);
    const key = parse(readable, converted === undefined ? passphrase : undefined);
    return key instanceof Error ? key : { key, content: readable };
  } catch (error) {
    return error instanceof Error ? error : new Error('cannot be read as a key');
  }
}

function parse(content: Buffer, passphrase?: string): ParsedKey | Error {
  try {
    const parsed: ParsedKey | ParsedKey[] | Error = ssh2.utils.parseKey(content, passphrase);
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

/** The formats of OpenSSH (PROTOCOL.key) and PuTTY contain the public half unencrypted. */
function publicKeyIn(content: Buffer): ParsedKey | undefined {
  const blob = publicBlobOfPpk(content) ?? publicBlobOfOpenSsh(content);
  const parsed = blob === undefined ? undefined : parse(blob);
  return parsed instanceof Error ? undefined : parsed;
}

function publicBlobOfOpenSsh(content: Buffer): Buffer | undefined {
  const armoured = /-----BEGIN OPENSSH PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END/.exec(
    content.toString('latin1'),
  )?.[1];
  const bytes = Buffer.from(armoured ?? '', 'base64');
  const magic = 'openssh-key-v1\0';
  if (bytes.toString('latin1', 0, magic.length) !== magic) return undefined;
  const fields = new KeyFields(bytes.subarray(magic.length));
  try {
    for (const _ of ['cipher', 'kdf', 'kdf options']) fields.bytes();
    fields.skip(4);
    return fields.bytes();
  } catch {
    // The file is damaged, as its reader will say.
    return undefined;
  }
}
