/**
 * Private keys of PuTTY, versions 2 and 3 (PuTTY's manual, appendix C), which ssh2 does not read, or only in part: they
 * are converted to a format that it reads.
 */
import {
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  type JsonWebKey,
  timingSafeEqual,
} from 'node:crypto';
import { KeyFields } from './key-fields.ts';
import { ENCRYPTED, toReadableFormat } from './pkcs8.ts';

/** What a key with Argon2 may ask for: PuTTY itself proposes 8 MiB. */
const MAX_ARGON2_KIB = 256 * 1024;
const MAX_ARGON2_PASSES = 1000;
const MAX_ARGON2_PARALLELISM = 64;
/** Kibibytes times passes. PuTTY itself proposes what takes a tenth of a second there, which is a fortieth of it. */
const MAX_ARGON2_WORK = 4 * 1024 * 1024;

/** The key cannot be used, whatever the passphrase is. */
export class UnusableKeyError extends Error {}

interface Ppk {
  readonly version: 2 | 3;
  readonly algorithm: string;
  readonly encryption: string;
  readonly comment: string;
  readonly publicBlob: Buffer;
  readonly privateBlob: Buffer;
  readonly mac: Buffer;
  readonly header: ReadonlyMap<string, string>;
}

/** What a passphrase is turned into. */
interface Secrets {
  readonly key: Buffer;
  readonly iv: Buffer;
  readonly macKey: Buffer;
}

/**
 * The same key in a format of ssh2, without encryption. Undefined: `content` is no such key.
 * @throws {Error} `encrypted`: a passphrase is needed, or another one; whatever is wrong with the key, otherwise
 */
export async function fromPpk(content: Buffer, passphrase: string | undefined): Promise<string | undefined> {
  const ppk = readPpk(content);
  if (ppk === undefined) return undefined;
  const isEncrypted = ppk.encryption !== 'none';
  if (isEncrypted && ppk.encryption !== 'aes256-cbc')
    throw new UnusableKeyError(`the encryption ${ppk.encryption} is not known`);
  if (isEncrypted && passphrase === undefined) throw new Error(ENCRYPTED);
  const secrets = await secretsOf(ppk, isEncrypted ? passphrase! : undefined);
  const plain = isEncrypted ? decrypted(ppk.privateBlob, secrets) : ppk.privateBlob;
  const mac = createHmac(ppk.version === 2 ? 'sha1' : 'sha256', secrets.macKey);
  const { algorithm, encryption, comment, publicBlob } = ppk;
  for (const field of [Buffer.from(algorithm), Buffer.from(encryption), Buffer.from(comment), publicBlob, plain]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(field.length);
    mac.update(length).update(field);
  }
  const found = mac.digest();
  if (found.length !== ppk.mac.length || !timingSafeEqual(found, ppk.mac)) {
    throw isEncrypted ? new Error(ENCRYPTED) : new UnusableKeyError('the file is damaged');
  }
  return toReadableFormat(createPrivateKey({ key: jwkOf(ppk, plain), format: 'jwk' }));
}

/** The public half, which is not encrypted. Undefined: `content` is no such key. */
export function publicBlobOfPpk(content: Buffer): Buffer | undefined {
  return readPpk(content)?.publicBlob;
}

function readPpk(content: Buffer): Ppk | undefined {
  const lines = content.toString('utf8').split(/\r?\n/);
  const [, version, algorithm] = /^PuTTY-User-Key-File-([23]): (\S+)$/.exec(lines[0] ?? '') ?? [];
  if (version === undefined || algorithm === undefined) return undefined;
  const header = new Map<string, string>();
  const blobs = new Map<string, Buffer>();
  for (let at = 1; at < lines.length; at++) {
    const [, name, value] = /^([A-Za-z0-9-]+): ?(.*)$/.exec(lines[at]!) ?? [];
    if (name === undefined || value === undefined) continue;
    header.set(name, value);
    if (!name.endsWith('-Lines')) continue;
    const count = Number(value);
    blobs.set(name, Buffer.from(lines.slice(at + 1, at + 1 + count).join(''), 'base64'));
    at += count;
  }
  const [publicBlob, privateBlob] = [blobs.get('Public-Lines'), blobs.get('Private-Lines')];
  const mac = header.get('Private-MAC');
  if (publicBlob === undefined || privateBlob === undefined || mac === undefined) return undefined;
  return {
    version: version === '2' ? 2 : 3,
    algorithm,
    encryption: header.get('Encryption') ?? '',
    comment: header.get('Comment') ?? '',
    ...{ publicBlob, privateBlob, mac: Buffer.from(mac, 'hex'), header },
  };
}

async function secretsOf({ version, header }: Ppk, passphrase: string | undefined): Promise<Secrets> {
  if (version === 2) {
    const sha1 = (...parts: readonly (string | Buffer)[]): Buffer =>
      parts.reduce<ReturnType<typeof createHash>>((hash, part) => hash.update(part), createHash('sha1')).digest();
    const key = [0, 1].map((count) => sha1(Buffer.from([0, 0, 0, count]), passphrase ?? ''));
    return {
      key: Buffer.concat(key).subarray(0, 32),
      iv: Buffer.alloc(16),
      macKey: sha1('putty-private-key-file-mac-key', passphrase ?? ''),
    };
  }
  const none = Buffer.alloc(0);
  if (passphrase === undefined) return { key: none, iv: none, macKey: none };
  const derived = await argon2(header, passphrase);
  return { key: derived.subarray(0, 32), iv: derived.subarray(32, 48), macKey: derived.subarray(48, 80) };
}

async function argon2(header: Ppk['header'], passphrase: string): Promise<Buffer> {
  const number = (name: string, max: number): number => {
    const value = Number(header.get(name));
    if (!Number.isSafeInteger(value) || value < 1 || value > max)
      throw new UnusableKeyError(`its ${name} is not usable`);
    return value;
  };
  // It is loaded only for these keys.
  const { argon2dAsync, argon2iAsync, argon2idAsync } = await import('@noble/hashes/argon2.js');
  const variants: Readonly<Record<string, typeof argon2idAsync>> = {
    Argon2d: argon2dAsync,
    Argon2i: argon2iAsync,
    Argon2id: argon2idAsync,
  };
  const derive = variants[header.get('Key-Derivation') ?? ''];
  if (derive === undefined) throw new UnusableKeyError('its Key-Derivation is not known');
  const salt = Buffer.from(header.get('Argon2-Salt') ?? '', 'hex');
  const settings = {
    m: number('Argon2-Memory', MAX_ARGON2_KIB),
    t: number('Argon2-Passes', MAX_ARGON2_PASSES),
    p: number('Argon2-Parallelism', MAX_ARGON2_PARALLELISM),
    dkLen: 80,
  };
  if (settings.m * settings.t > MAX_ARGON2_WORK) throw new UnusableKeyError('its Argon2-Passes are too many');
  return Buffer.from(await derive(Buffer.from(passphrase), salt, settings));
}

function decrypted(blob: Buffer, { key, iv }: Secrets): Buffer {
  if (blob.length === 0 || blob.length % 16 !== 0) throw new UnusableKeyError('the file is damaged');
  const decipher = createDecipheriv('aes-256-cbc', key, iv).setAutoPadding(false);
  return Buffer.concat([decipher.update(blob), decipher.final()]);
}

const CURVES: Readonly<Record<string, { readonly crv: string; readonly bytes: number }>> = {
  nistp256: { crv: 'P-256', bytes: 32 },
  nistp384: { crv: 'P-384', bytes: 48 },
  nistp521: { crv: 'P-521', bytes: 66 },
};

function jwkOf({ algorithm, publicBlob }: Ppk, plain: Buffer): JsonWebKey {
  const open = new KeyFields(publicBlob);
  const secret = new KeyFields(plain);
  if (open.text() !== algorithm) throw new UnusableKeyError('the file is damaged');
  if (algorithm === 'ssh-rsa') {
    const [e, n] = [open.number(), open.number()];
    const [d, p, q, qi] = [secret.number(), secret.number(), secret.number(), secret.number()];
    const fields = { n, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi };
    return { kty: 'RSA', ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, base64(value)])) };
  }
  if (algorithm === 'ssh-ed25519') {
    const x = open.bytes().toString('base64url');
    return { kty: 'OKP', crv: 'Ed25519', x, d: secret.bytes().toString('base64url') };
  }
  const curve = algorithm.startsWith('ecdsa-sha2-') ? CURVES[open.text()] : undefined;
  if (curve === undefined) throw new UnusableKeyError(`keys of the type ${algorithm} are not supported`);
  const point = open.bytes();
  const { crv, bytes } = curve;
  if (point[0] !== 4 || point.length !== 1 + 2 * bytes) throw new UnusableKeyError('the file is damaged');
  const [x, y] = [point.subarray(1, 1 + bytes), point.subarray(1 + bytes)].map((half) => half.toString('base64url'));
  return { kty: 'EC', crv, x: x!, y: y!, d: base64(secret.number(), bytes) };
}

/** Big-endian, in at least `bytes` bytes. */
function base64(value: bigint, bytes: number = 0): string {
  const hex = value.toString(16);
  const length = Math.max(2 * bytes, hex.length + (hex.length % 2));
  return Buffer.from(hex.padStart(length, '0'), 'hex').toString('base64url');
}
