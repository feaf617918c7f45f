/** `check-file-name` and `check-file-handle` (draft-ietf-secsh-filexfer-extensions-00 section 3). */
import { CopyError } from '../../../errors.ts';
import { PacketReader } from './packet-reader.ts';
import { PayloadWriter } from './packet-writer.ts';

export interface CheckFile {
  /** A path for `check-file-name`, a handle that may read for `check-file-handle`. */
  readonly file: Uint8Array;
  /** Names in order of preference, as the draft writes them: `sha256`. */
  readonly algorithms: readonly string[];
  readonly offset: number;
  /**
   * Bytes; 0: to the end of the file. Below 0, which is a huge length to the draft, it makes up for the offset with
   * servers that add that.
   */
  readonly length: number;
  /** Bytes each digest covers, at least 256; 0: one digest for all. */
  readonly blockSize: number;
}

export function encodeCheckFile(check: CheckFile): Buffer {
  const writer = new PayloadWriter().string(check.file).string(check.algorithms.join(','));
  return writer.uint64(check.offset).int64(check.length).uint32(check.blockSize).finish();
}

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

/** Bytes of a digest, by the draft's name of its algorithm. */
export const digestLengths: Readonly<Record<string, number>> = {
  md5: 16,
  sha1: 20,
  sha224: 28,
  sha256: 32,
  sha384: 48,
  sha512: 64,
};

export interface CheckFileReply {
  readonly algorithm: string;
  /** One a block, in order. Share memory with the payload. */
  readonly digests: readonly Uint8Array[];
  /** How many came; there may be more than were asked for. */
  readonly count: number;
}

/**
 * Reads the three layouts that are in use: the draft's (proftpd), the same behind the string `check-file`
 * (paramiko), and that with every digest behind its length (Apache MINA).
 * @param most digests to return; the rest is counted alone
 * @throws {CopyError} `protocol` if the algorithm is unknown or the digests do not fill the payload
 */
export function parseCheckFileReply(payload: Uint8Array, most: number = Number.POSITIVE_INFINITY): CheckFileReply {
  const reader = new PacketReader(payload);
  let algorithm = reader.string().toString('latin1');
  if (algorithm.startsWith('check-file')) algorithm = reader.string().toString('latin1');
  const length = Object.hasOwn(digestLengths, algorithm) ? digestLengths[algorithm] : undefined;
  if (length === undefined) throw new CopyError('protocol', 'The server answered with an unknown digest algorithm.');
  const bytes = reader.rest();
  const prefixed = bytes.length > 0 && bytes.length % (length + 4) === 0 && everyGroupBegins(bytes, length);
  if (!prefixed && bytes.length % length !== 0) {
    throw new CopyError('protocol', `The server answered with ${bytes.length} bytes of ${algorithm} digests.`);
  }
  const skip = prefixed ? 4 : 0;
  const count = bytes.length / (length + skip);
  const digests: Uint8Array[] = [];
  for (let at = skip; at < bytes.length && digests.length < most; at += length + skip) {
    digests.push(bytes.subarray(at, at + length));
  }
  return { algorithm, digests, count };
}

function everyGroupBegins(bytes: Buffer, length: number): boolean {
  for (let at = 0; at < bytes.length; at += length + 4) if (bytes.readUInt32BE(at) !== length) return false;
  return true;
}

/** The server's side, in the layout of the draft. */
export function encodeCheckFileReply(reply: Pick<CheckFileReply, 'algorithm' | 'digests'>): Buffer {
  const writer = new PayloadWriter().string(reply.algorithm);
  for (const digest of reply.digests) writer.raw(digest);
  return writer.finish();
}
