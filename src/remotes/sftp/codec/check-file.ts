/** Payloads of `check-file-name` and `check-file-handle` (draft-ietf-secsh-filexfer-extensions-00 section 3). */
import { CopyError } from '../../../errors.ts';
import { PacketReader } from './packet-reader.ts';
import { PayloadWriter } from './packet-writer.ts';

export interface CheckFile {
  /** A path for `check-file-name`; a handle that was opened for reading for `check-file-handle`. */
  readonly file: Uint8Array;
  /** The names of algorithms in order of preference, in the spelling of the draft, such as `sha256`. */
  readonly algorithms: readonly string[];
  readonly offset: number;
  /**
   * Bytes; 0 means up to the end of the file. A negative number, which the draft would read as a huge length,
   * compensates for servers that add the offset to the length.
   */
  readonly length: number;
  /** How many bytes each digest covers, at least 256; 0 means one digest for the whole range. */
  readonly blockSize: number;
}

/** @throws {CopyError} `protocol`: when a number does not fit its field */
export function encodeCheckFile(check: CheckFile): Buffer {
  const writer = new PayloadWriter().string(check.file).string(check.algorithms.join(','));
  return writer.uint64(check.offset).int64(check.length).uint32(check.blockSize).finish();
}

/** @throws {CopyError} `protocol`: when the payload ends too early */
export function parseCheckFile(payload: Uint8Array): CheckFile {
  const reader = new PacketReader(payload);
  return {
    file: reader.string(),
    algorithms: reader.string().toString('latin1').split(','),
    offset: reader.uint64(),
    length: reader.int64(),
    blockSize: reader.uint32(),
  };
}

/** The length of a digest in bytes, by the draft's name of its algorithm. */
export const DIGEST_LENGTHS: Readonly<Record<string, number>> = {
  md5: 16,
  sha1: 20,
  sha224: 28,
  sha256: 32,
  sha384: 48,
  sha512: 64,
};

export interface CheckFileReply {
  readonly algorithm: string;
  /** One digest per block, in order. They share memory with the payload. */
  readonly digests: readonly Uint8Array[];
  /** How many digests the server sent, which may be more than were asked for. */
  readonly count: number;
}

/**
 * Reads the three layouts that are in use: that of the draft (proftpd); the same preceded by the string `check-file`
 * (paramiko); and the latter with each digest preceded by its length (Apache MINA).
 * @param maxDigests how many digests to return; the others are only counted
 * @throws {CopyError} `protocol`: when the algorithm is unknown or the digests do not fill the payload
 */
export function parseCheckFileReply(
  payload: Uint8Array,
  maxDigests: number = Number.POSITIVE_INFINITY,
): CheckFileReply {
  const reader = new PacketReader(payload);
  let algorithm = reader.string().toString('latin1');
  if (algorithm.startsWith('check-file')) algorithm = reader.string().toString('latin1');
  const length = Object.hasOwn(DIGEST_LENGTHS, algorithm) ? DIGEST_LENGTHS[algorithm] : undefined;
  if (length === undefined) throw new CopyError('protocol', 'The server answered with an unknown digest algorithm.');
  const bytes = reader.rest();
  const isPrefixed = bytes.length > 0 && bytes.length % (length + 4) === 0 && hasLengthPrefixes(bytes, length);
  if (!isPrefixed && bytes.length % length !== 0) {
    throw new CopyError('protocol', `The server answered with ${bytes.length} bytes of ${algorithm} digests.`);
  }
  const skip = isPrefixed ? 4 : 0;
  const count = bytes.length / (length + skip);
  const digests: Uint8Array[] = [];
  for (let at = skip; at < bytes.length && digests.length < maxDigests; at += length + skip) {
    digests.push(bytes.subarray(at, at + length));
  }
  return { algorithm, digests, count };
}

function hasLengthPrefixes(bytes: Buffer, length: number): boolean {
  for (let at = 0; at < bytes.length; at += length + 4) if (bytes.readUInt32BE(at) !== length) return false;
  return true;
}

/** For servers: the reply in the layout of the draft. */
export function encodeCheckFileReply(reply: Pick<CheckFileReply, 'algorithm' | 'digests'>): Buffer {
  const writer = new PayloadWriter().string(reply.algorithm);
  for (const digest of reply.digests) writer.raw(digest);
  return writer.finish();
}
