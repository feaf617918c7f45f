/**
 * The payloads of extensions: what follows the name in an EXTENDED request, and the id in an EXTENDED_REPLY. Those of
 * OpenSSH are defined in OpenSSH PROTOCOL, section 4; `copy-data` and `copy-file` in
 * draft-ietf-secsh-filexfer-extensions-00, sections 7 and 6.
 *
 * Every function that encodes throws a CopyError `protocol` when a number does not fit its field or a handle is longer
 * than 256 bytes; every function that parses throws one when the payload ends too early.
 */
import { readAttributes, type SftpAttributes, writeAttributes } from './attributes.ts';
import { PacketReader } from './packet-reader.ts';
import { PayloadWriter } from './packet-writer.ts';

/** `posix-rename@openssh.com`; answered by STATUS. */
export function encodePosixRename(oldPath: Uint8Array, newPath: Uint8Array): Buffer {
  return new PayloadWriter().string(oldPath).string(newPath).finish();
}

export function parsePosixRename(payload: Uint8Array): { oldPath: Uint8Array; newPath: Uint8Array } {
  const reader = new PacketReader(payload);
  return { oldPath: reader.string(), newPath: reader.string() };
}

/** `fsync@openssh.com`; answered by STATUS. */
export function encodeFsync(handle: Uint8Array): Buffer {
  return new PayloadWriter().handle(handle).finish();
}

export function parseFsync(payload: Uint8Array): { handle: Uint8Array } {
  return { handle: new PacketReader(payload).handle() };
}

/** `lsetstat@openssh.com`: a SETSTAT that does not follow a symbolic link; answered by STATUS. */
export function encodeLsetstat(path: Uint8Array, attributes: SftpAttributes): Buffer {
  return writeAttributes(new PayloadWriter().string(path), attributes).finish();
}

export function parseLsetstat(payload: Uint8Array): { path: Uint8Array; attributes: SftpAttributes } {
  const reader = new PacketReader(payload);
  return { path: reader.string(), attributes: readAttributes(reader) };
}

/** `copy-data`: copies `length` bytes (0: up to the end) from one open file to another; answered by STATUS. */
export interface CopyData {
  readonly fromHandle: Uint8Array;
  readonly fromOffset: number;
  readonly length: number;
  readonly toHandle: Uint8Array;
  readonly toOffset: number;
}

export function encodeCopyData(copy: CopyData): Buffer {
  const writer = new PayloadWriter().handle(copy.fromHandle).uint64(copy.fromOffset).uint64(copy.length);
  return writer.handle(copy.toHandle).uint64(copy.toOffset).finish();
}

export function parseCopyData(payload: Uint8Array): CopyData {
  const reader = new PacketReader(payload);
  return {
    fromHandle: reader.handle(),
    fromOffset: reader.uint64(),
    length: reader.uint64(),
    toHandle: reader.handle(),
    toOffset: reader.uint64(),
  };
}

/** `copy-file`: copies a whole file from one path to another; answered by STATUS. */
export interface CopyFile {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly overwrite: boolean;
}

export function encodeCopyFile({ from, to, overwrite }: CopyFile): Buffer {
  return new PayloadWriter()
    .string(from)
    .string(to)
    .byte(overwrite ? 1 : 0)
    .finish();
}

/**
 * The reply to `limits@openssh.com`, whose request has no payload. Lengths in bytes; 0 means that the server sets none.
 */
export interface ServerLimits {
  readonly maxPacketLength: number;
  readonly maxReadLength: number;
  readonly maxWriteLength: number;
  readonly maxOpenHandles: number;
}

export function encodeLimits(limits: ServerLimits): Buffer {
  const writer = new PayloadWriter().uint64(limits.maxPacketLength).uint64(limits.maxReadLength);
  return writer.uint64(limits.maxWriteLength).uint64(limits.maxOpenHandles).finish();
}

/** Numbers beyond 2^53 − 1, which mean "no limit", become 2^53 − 1. */
export function parseLimits(payload: Uint8Array): ServerLimits {
  const reader = new PacketReader(payload);
  return {
    maxPacketLength: reader.saturatedUint64(),
    maxReadLength: reader.saturatedUint64(),
    maxWriteLength: reader.saturatedUint64(),
    maxOpenHandles: reader.saturatedUint64(),
  };
}

/** `statvfs@openssh.com`; answered by {@link parseStatVfs}. */
export function encodeStatVfsRequest(path: Uint8Array): Buffer {
  return new PayloadWriter().string(path).finish();
}

export function parseStatVfsRequest(payload: Uint8Array): { path: Uint8Array } {
  return { path: new PacketReader(payload).string() };
}

/** The fields of statvfs(3). Blocks are counted in units of `fragmentSize` bytes. */
export interface StatVfs {
  readonly blockSize: number;
  readonly fragmentSize: number;
  readonly blocks: number;
  readonly blocksFree: number;
  /** Free blocks for users other than root; quotas are not considered. */
  readonly blocksAvailable: number;
  readonly files: number;
  readonly filesFree: number;
  readonly filesAvailable: number;
  readonly fileSystemId: number;
  /** Bit 1: the file system is read-only; bit 2: setuid bits are ignored. */
  readonly flags: number;
  /** The longest file name, in bytes. */
  readonly maxNameLength: number;
}

const STAT_VFS_FIELDS = [
  'blockSize',
  'fragmentSize',
  'blocks',
  'blocksFree',
  'blocksAvailable',
  'files',
  'filesFree',
  'filesAvailable',
  'fileSystemId',
  'flags',
  'maxNameLength',
] as const satisfies readonly (keyof StatVfs)[];

export function encodeStatVfs(statVfs: StatVfs): Buffer {
  const writer = new PayloadWriter();
  for (const field of STAT_VFS_FIELDS) writer.uint64(statVfs[field]);
  return writer.finish();
}

/** Numbers beyond 2^53 − 1 become 2^53 − 1. */
export function parseStatVfs(payload: Uint8Array): StatVfs {
  const reader = new PacketReader(payload);
  const fields = STAT_VFS_FIELDS.map((field) => [field, reader.saturatedUint64()] as const);
  return Object.fromEntries(fields) as unknown as StatVfs;
}
