/** Private keys in PKCS#8 (RFC 5208, RFC 5958), which ssh2 does not read: they are converted to a format that it reads. */
import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto';

/** The message of the error where a passphrase is needed, or another one. */
export const ENCRYPTED = 'encrypted';

const PKCS8 = /-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/;

/**
 * The same key in a format of ssh2, without encryption. Undefined: `content` is not PKCS#8.
 * @throws {Error} `encrypted`: a passphrase is needed, or another one; whatever is wrong with the key, otherwise
 */
export function fromPkcs8(content: Buffer, passphrase: string | undefined): string | undefined {
  const match = PKCS8.exec(content.toString('latin1'));
  if (match === null) return undefined;
  const isEncrypted = match[1] !== undefined;
  if (isEncrypted && passphrase === undefined) throw new Error(ENCRYPTED);
  return toReadableFormat(read(content, isEncrypted ? passphrase : undefined));
}

function read(content: Buffer, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: content, format: 'pem', ...(passphrase !== undefined && { passphrase }) });
  } catch (error) {
    throw new Error(passphrase === undefined ? 'the key cannot be read' : ENCRYPTED, { cause: error });
  }
}

/**
 * The key in a format that ssh2 reads, without encryption.
 * @throws {Error} when its type is not supported
 */
export function toReadableFormat(key: KeyObject): string {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return key.export({ type: 'pkcs1', format: 'pem' }).toString();
    case 'ec':
      return key.export({ type: 'sec1', format: 'pem' }).toString();
    case 'ed25519':
      return openSshEd25519(key);
    default:
      throw new Error(`keys of the type ${key.asymmetricKeyType} are not supported`);
  }
}

/** There is no older format for Ed25519 (OpenSSH's PROTOCOL.key). */
function openSshEd25519(key: KeyObject): string {
  const { x = '', d = '' } = key.export({ format: 'jwk' });
  const [publicHalf, seed] = [Buffer.from(x, 'base64url'), Buffer.from(d, 'base64url')];
  const type = Buffer.from('ssh-ed25519');
  const blob = Buffer.concat([string(type), string(publicHalf)]);
  const check = randomBytes(4);
  const secret = [check, check, blob, string(Buffer.concat([seed, publicHalf])), string(Buffer.alloc(0))];
  const length = secret.reduce((sum, part) => sum + part.length, 0);
  // Padding to blocks of 8 bytes: 1, 2, 3, ...
  const padding = Buffer.from(Array.from({ length: (8 - (length % 8)) % 8 }, (_, index) => index + 1));
  const none = string(Buffer.from('none'));
  const bytes = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...[none, none, string(Buffer.alloc(0)), uint32(1), string(blob), string(Buffer.concat([...secret, padding]))],
  ]);
  const lines = bytes.toString('base64').replace(/.{70}/g, '$&\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function string(bytes: Buffer): Buffer {
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
