/** Encodes and parses the requests of draft-ietf-secsh-filexfer-02 (sections 4 and 6). */
import { CopyError } from '../../../errors.ts';
import { readAttributes, type SftpAttributes, writeAttributes } from './attributes.ts';
import { PacketType } from './constants.ts';
import { PacketReader } from './packet-reader.ts';
import { checkHandle, PacketWriter, writeUint64 } from './packet-writer.ts';

/** Offsets and lengths are in bytes. `id` is a uint32 that the reply repeats. */
export type Request =
  | { readonly type: 'init'; readonly version: number }
  | {
      readonly type: 'open';
      readonly id: number;
      readonly path: Uint8Array;
      /** Bits of `OpenFlag`. */
      readonly flags: number;
      readonly attributes: SftpAttributes;
    }
  | {
      readonly type: 'read';
      readonly id: number;
      readonly handle: Uint8Array;
      readonly offset: number;
      readonly length: number;
    }
  | {
      readonly type: 'write';
      readonly id: number;
      readonly handle: Uint8Array;
      readonly offset: number;
      readonly data: Uint8Array;
    }
  | { readonly type: 'close' | 'fstat' | 'readdir'; readonly id: number; readonly handle: Uint8Array }
  | {
      readonly type: 'lstat' | 'stat' | 'opendir' | 'remove' | 'rmdir' | 'realpath' | 'readlink';
      readonly id: number;
      readonly path: Uint8Array;
    }
  | {
      readonly type: 'setstat' | 'mkdir';
      readonly id: number;
      readonly path: Uint8Array;
      readonly attributes: SftpAttributes;
    }
  | { readonly type: 'fsetstat'; readonly id: number; readonly handle: Uint8Array; readonly attributes: SftpAttributes }
  | { readonly type: 'rename'; readonly id: number; readonly oldPath: Uint8Array; readonly newPath: Uint8Array }
  /**
   * The target is sent first, as OpenSSH and nearly every server expect it, contrary to the draft (OpenSSH PROTOCOL,
   * 4.1).
   */
  | { readonly type: 'symlink'; readonly id: number; readonly target: Uint8Array; readonly link: Uint8Array }
  | { readonly type: 'extended'; readonly id: number; readonly name: string; readonly payload: Uint8Array };

/**
 * The packet, preceded by its length.
 * @throws {CopyError} `protocol`: when a number does not fit its field or a handle is longer than 256 bytes
 */
export function encodeRequest(request: Request): Buffer {
  const writer = new PacketWriter(PacketType[request.type]);
  if (request.type === 'init') return writer.uint32(request.version).finish();
  writer.uint32(request.id);
  switch (request.type) {
    case 'open':
      writer.string(request.path).uint32(request.flags);
      return writeAttributes(writer, request.attributes).finish();
    case 'read':
      return writer.handle(request.handle).uint64(request.offset).uint32(request.length).finish();
    case 'write':
      return writer.handle(request.handle).uint64(request.offset).string(request.data).finish();
    case 'close':
    case 'fstat':
    case 'readdir':
      return writer.handle(request.handle).finish();
    case 'setstat':
    case 'mkdir':
      return writeAttributes(writer.string(request.path), request.attributes).finish();
    case 'fsetstat':
      return writeAttributes(writer.handle(request.handle), request.attributes).finish();
    case 'rename':
      return writer.string(request.oldPath).string(request.newPath).finish();
    case 'symlink':
      return writer.string(request.target).string(request.link).finish();
    case 'extended':
      return writer.string(request.name).raw(request.payload).finish();
    default:
      return writer.string(request.path).finish();
  }
}

/**
 * For servers. Bytes after the last field are ignored. The result shares memory with `bytes`.
 * @param bytes a packet without its length
 * @throws {CopyError} `protocol`: when it is not a request or ends too early
 */
export function parseRequest(bytes: Uint8Array): Request {
  const reader = new PacketReader(bytes);
  const code = reader.byte();
  const type = REQUEST_TYPES.get(code);
  if (type === undefined) throw new CopyError('protocol', `SFTP packet type ${code} is no request.`);
  if (type === 'init') return { type, version: reader.uint32() };
  const id = reader.uint32();
  switch (type) {
    case 'open':
      return { type, id, path: reader.string(), flags: reader.uint32(), attributes: readAttributes(reader) };
    case 'read':
      return { type, id, handle: reader.handle(), offset: reader.uint64(), length: reader.uint32() };
    case 'write':
      return { type, id, handle: reader.handle(), offset: reader.uint64(), data: reader.string() };
    case 'close':
    case 'fstat':
    case 'readdir':
      return { type, id, handle: reader.handle() };
    case 'setstat':
    case 'mkdir':
      return { type, id, path: reader.string(), attributes: readAttributes(reader) };
    case 'fsetstat':
      return { type, id, handle: reader.handle(), attributes: readAttributes(reader) };
    case 'rename':
      return { type, id, oldPath: reader.string(), newPath: reader.string() };
    case 'symlink':
      return { type, id, target: reader.string(), link: reader.string() };
    case 'extended':
      return { type, id, name: reader.string().toString('latin1'), payload: reader.rest() };
    default:
      return { type, id, path: reader.string() };
  }
}

const REQUEST_TYPES: ReadonlyMap<number, Request['type']> = new Map(
  (
    [
      'init',
      'open',
      'close',
      'read',
      'write',
      'lstat',
      'fstat',
      'setstat',
      'fsetstat',
      'opendir',
      'readdir',
      'remove',
      'mkdir',
      'rmdir',
      'realpath',
      'stat',
      'rename',
      'readlink',
      'symlink',
      'extended',
    ] as const
  ).map((type) => [PacketType[type], type]),
);

/** How many bytes a WRITE has before its data, the length of the packet included. */
export function writeRequestHeaderLength(handleLength: number): number {
  return 4 + 1 + 4 + 4 + handleLength + 8 + 4;
}

/**
 * Writes everything of a WRITE except its data at `at`. So a packet can be allocated with room for this header, and its
 * data be read from a file directly to its place behind it.
 * @returns where the data begins
 * @throws {CopyError} `protocol`: when the offset is not a safe integer ≥ 0 or the handle is longer than 256 bytes
 */
export function encodeWriteHeader(
  target: Buffer,
  at: number,
  id: number,
  handle: Uint8Array,
  offset: number,
  dataLength: number,
): number {
  const headerLength = writeRequestHeaderLength(checkHandle(handle).length);
  target.writeUInt32BE(headerLength - 4 + dataLength, at);
  target[at + 4] = PacketType.write;
  target.writeUInt32BE(id, at + 5);
  target.writeUInt32BE(handle.length, at + 9);
  target.set(handle, at + 13);
  const afterHandle = at + 13 + handle.length;
  writeUint64(target, afterHandle, offset);
  target.writeUInt32BE(dataLength, afterHandle + 8);
  return at + headerLength;
}
