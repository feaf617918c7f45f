/** The ways in which servers answer check-file, right and wrong, for the stand-in server. */
import { createHash } from 'node:crypto';
import {
  type CheckFile,
  DIGEST_LENGTHS,
  encodeCheckFileReply,
  parseCheckFile,
} from '../../src/remotes/sftp/codec/check-file.ts';
import { ExtensionName, StatusCode } from '../../src/remotes/sftp/codec/constants.ts';
import { PayloadWriter } from '../../src/remotes/sftp/codec/packet-writer.ts';

export type CheckFileHabit =
  /** No such extension. */
  | 'none'
  /** As the draft has it; proftpd 1.3.9 with blocks. */
  | 'right'
  /** Right, behind the string `check-file`. */
  | 'right-behind-name'
  /** Right, and each digest behind its length too (Apache MINA, which says so in `supported2`). */
  | 'right-behind-lengths'
  /** proftpd 1.3.7: right in blocks, else the digest of the empty string. */
  | 'proftpd-1.3.7'
  /** proftpd 1.3.8: the offset is added to the length; digests of the empty string beyond the end of the file. */
  | 'proftpd-1.3.8'
  /** The same, with nothing to know it by. */
  | 'extra'
  /** Maverick Synergy: in blocks the length is ignored. */
  | 'to-the-end'
  /**
   * proftpd: a block beyond 16 KiB and no multiple of it goes on to the end of the file, a last block to its own end.
   */
  | 'over-read'
  /** Wrong for every block beyond 64 KiB, as paramiko's. */
  | 'wrong-above-64k'
  /** paramiko: for handles alone, under another name. */
  | 'handle-only'
  /** The digest of the empty string, always. */
  | 'empty'
  /** One digest fewer than there are blocks. */
  | 'few'
  /** Digests of other bytes. */
  | 'nonsense'
  /** Half a digest at the end. */
  | 'odd-bytes'
  /** As many digests as a session takes. */
  | 'flood'
  /** More than that. */
  | 'deluge'
  | 'md5-always'
  | 'bare-ok'
  /** Known, and refused to everybody. */
  | 'denied'
  /** The probe is answered, and then nothing. */
  | 'silent';

export interface CheckFileDisk {
  byPath(path: Uint8Array): Buffer | undefined;
  byHandle(handle: Uint8Array): Buffer;
  /** Called with the number of bytes that were hashed. */
  hashed(bytes: number): void;
}

type CheckFileAnswer = { status: number; message: string } | { payload: Buffer } | 'none';

const UNSUPPORTED = { status: StatusCode.unsupported, message: 'Unsupported operation' };
const INVALID = { status: StatusCode.unsupported, message: 'Invalid parameter' };
const KIB_16 = 16 * 1024;
/** Of a packet, without the name of the algorithm, SFTP's own bytes and what makes digests of all lengths fit. */
const FLOOD = 8 * 1024 * 1024 - 4096;

/** What a server with this habit offers in VERSION. */
export function offeredFor(habit: CheckFileHabit): ReadonlyMap<string, string> {
  if (habit === 'handle-only') return new Map([[ExtensionName.checkFile, 'md5,sha1']]);
  if (habit === 'proftpd-1.3.8') return new Map([[ExtensionName.homeDirectory, '1']]);
  if (habit === 'right-behind-lengths')
    return new Map([['supported2', '\0\0\0\x11check-file-handle\0\0\0\x0fcheck-file-name']]);
  return new Map();
}

export function answerCheckFile(
  habit: CheckFileHabit,
  name: string,
  payload: Uint8Array,
  disk: CheckFileDisk,
): CheckFileAnswer {
  if (habit === 'none' || (habit === 'handle-only') !== (name === ExtensionName.checkFile)) return UNSUPPORTED;
  const check = parseCheckFile(payload);
  const bytes = name === ExtensionName.checkFileName ? disk.byPath(check.file) : disk.byHandle(check.file);
  if (bytes === undefined) return { status: StatusCode.noSuchFile, message: 'No such file' };
  if (habit === 'silent') return 'none';
  if (habit === 'denied') return { status: StatusCode.permissionDenied, message: 'Permission denied' };
  if (habit === 'bare-ok') return { status: StatusCode.ok, message: '' };
  const algorithm =
    habit === 'md5-always' ? 'md5' : check.algorithms.find((known) => Object.hasOwn(DIGEST_LENGTHS, known));
  const tooSmall = check.blockSize > 0 && check.blockSize < 256;
  if (algorithm === undefined || tooSmall || check.offset >= bytes.length) return INVALID;
  const ranges = rangesFor(habit, check, bytes.length);
  const digests = ranges.map(([from, to]) => {
    disk.hashed(to - from);
    return createHash(algorithm).update(bytes.subarray(from, to)).digest();
  });
  return { payload: replyFor(habit, algorithm, digests) };
}

/** From where to where each digest goes. */
function rangesFor(habit: CheckFileHabit, check: CheckFile, size: number): [number, number][] {
  const { offset, length, blockSize } = check;
  if (habit === 'empty' || (habit === 'proftpd-1.3.7' && blockSize === 0)) return [[0, 0]];
  const adds = habit === 'proftpd-1.3.8' || habit === 'extra';
  const wanted =
    length === 0 || (habit === 'to-the-end' && blockSize > 0) ? size - offset : length + (adds ? offset : 0);
  // A length below 0 is one of nearly 2^64 to all others.
  const beyond = wanted < 0 ? size : offset + wanted;
  const end = adds ? beyond : Math.min(size, beyond);
  const step = blockSize === 0 ? end - offset : blockSize;
  const overReads = habit === 'over-read' || adds || habit === 'proftpd-1.3.7';
  const ranges: [number, number][] = [];
  for (let at = offset; at < end; at += step) {
    let to = Math.min(end, at + step);
    if (overReads && blockSize > 0) to = step > KIB_16 && step % KIB_16 > 0 ? size : at + step;
    if (habit === 'wrong-above-64k' && step > 65_536) to = Math.min(to, at + 65_536);
    ranges.push([Math.min(at, size), Math.min(to, size)]);
  }
  return habit === 'few' ? ranges.slice(0, -1) : ranges;
}

function replyFor(habit: CheckFileHabit, algorithm: string, digests: readonly Buffer[]): Buffer {
  const reply = encodeCheckFileReply({ algorithm, digests });
  switch (habit) {
    case 'right-behind-name':
    case 'handle-only':
      return Buffer.concat([new PayloadWriter().string(ExtensionName.checkFile).finish(), reply]);
    case 'right-behind-lengths': {
      const writer = new PayloadWriter().string(ExtensionName.checkFile).string(algorithm);
      for (const digest of digests) writer.string(digest);
      return writer.finish();
    }
    case 'nonsense':
      return encodeCheckFileReply({ algorithm, digests: digests.map((digest) => digest.map((byte) => byte ^ 0xff)) });
    case 'odd-bytes':
      return Buffer.concat([reply, Buffer.alloc(DIGEST_LENGTHS[algorithm]! / 2, 1)]);
    case 'flood':
    case 'deluge': {
      const length = DIGEST_LENGTHS[algorithm]!;
      const count = Math.floor((habit === 'flood' ? FLOOD : 2 * FLOOD) / length);
      return Buffer.concat([reply, Buffer.alloc((count - digests.length) * length, 7)]);
    }
    default:
      return reply;
  }
}
