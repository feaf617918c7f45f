/** Encodes and parses the replies of draft-ietf-secsh-filexfer-02 (sections 4 and 7). */
import { CopyError } from '../../../errors.ts';
import { readAttributes, type SftpAttributes, writeAttributes } from './attributes.ts';
import { PacketType } from './constants.ts';
import { PacketReader } from './packet-reader.ts';
import { PacketWriter } from './packet-writer.ts';

export interface VersionReply {
  readonly type: 'version';
  readonly version: number;
  /** The value of each extension by its name, in the order sent. Of several with the same name, the last one counts. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
}

export interface StatusReply {
  readonly type: 'status';
  readonly id: number;
  /** One of `StatusCode`, or any other uint32. */
  readonly status: number;
  /** UTF-8 according to the draft; empty where the server left it out. Clean it before printing. */
  readonly message: Uint8Array;
  readonly language: Uint8Array;
}

export interface NameEntry {
  readonly name: Uint8Array;
  /** A line like those of `ls -l`, for people only. */
  readonly longName: Uint8Array;
  readonly attributes: SftpAttributes;
}

export type Reply =
  | VersionReply
  | StatusReply
  | { readonly type: 'handle'; readonly id: number; readonly handle: Uint8Array }
  | { readonly type: 'data'; readonly id: number; readonly data: Uint8Array }
  | { readonly type: 'name'; readonly id: number; readonly entries: readonly NameEntry[] }
  | { readonly type: 'attributes'; readonly id: number; readonly attributes: SftpAttributes }
  /** The layout of the payload depends on the request; see `extensions.ts`. */
  | { readonly type: 'extendedReply'; readonly id: number; readonly payload: Uint8Array };

const EMPTY = Buffer.alloc(0);
/** The bytes of two empty strings and the flags of ATTRS. */
const MIN_NAME_ENTRY_LENGTH = 12;

/**
 * The result shares memory with `bytes`.
 * @param bytes a packet without its length
 * @throws {CopyError} `protocol`: when it is not a reply, ends too early, or contains a handle longer than 256 bytes
 */
export function parseReply(bytes: Uint8Array): Reply {
  const reader = new PacketReader(bytes);
  const type = reader.byte();
  if (type === PacketType.version) return parseVersion(reader);
  if (!REPLY_TYPES.has(type)) throw new CopyError('protocol', `SFTP packet type ${type} is no reply.`);
  const id = reader.uint32();
  switch (type) {
    case PacketType.status: {
      const status = reader.uint32();
      // Some servers leave out the language, or both. Nothing depends on them.
      const message = reader.remaining > 0 ? reader.string() : EMPTY;
      const language = reader.remaining > 0 ? reader.string() : EMPTY;
      return { type: 'status', id, status, message, language };
    }
    case PacketType.handle:
      return { type: 'handle', id, handle: reader.handle() };
    case PacketType.data:
      return { type: 'data', id, data: reader.string() };
    case PacketType.name:
      return { type: 'name', id, entries: parseEntries(reader) };
    case PacketType.attributes:
      return { type: 'attributes', id, attributes: readAttributes(reader) };
    default:
      return { type: 'extendedReply', id, payload: reader.rest() };
  }
}

const REPLY_TYPES: ReadonlySet<number> = new Set([
  PacketType.status,
  PacketType.handle,
  PacketType.data,
  PacketType.name,
  PacketType.attributes,
  PacketType.extendedReply,
]);

function parseVersion(reader: PacketReader): VersionReply {
  const version = reader.uint32();
  const extensions = new Map<string, Uint8Array>();
  while (reader.remaining > 0) extensions.set(reader.string().toString('latin1'), reader.string());
  return { type: 'version', version, extensions };
}

function parseEntries(reader: PacketReader): NameEntry[] {
  const count = reader.uint32();
  if (count > reader.remaining / MIN_NAME_ENTRY_LENGTH) {
    throw new CopyError('protocol', `The server announced ${count} names and sent fewer.`);
  }
  const entries: NameEntry[] = [];
  for (let index = 0; index < count; index++) {
    entries.push({ name: reader.string(), longName: reader.string(), attributes: readAttributes(reader) });
  }
  return entries;
}

/**
 * For servers: the packet, preceded by its length.
 * @throws {CopyError} `protocol`: when a number does not fit its field or a handle is longer than 256 bytes
 */
export function encodeReply(reply: Reply): Buffer {
  const writer = new PacketWriter(PacketType[reply.type]);
  if (reply.type === 'version') {
    writer.uint32(reply.version);
    for (const [name, value] of reply.extensions) writer.string(name).string(value);
    return writer.finish();
  }
  writer.uint32(reply.id);
  switch (reply.type) {
    case 'status':
      return writer.uint32(reply.status).string(reply.message).string(reply.language).finish();
    case 'handle':
      return writer.handle(reply.handle).finish();
    case 'data':
      return writer.string(reply.data).finish();
    case 'name':
      writer.uint32(reply.entries.length);
      for (const { name, longName, attributes } of reply.entries) {
        writeAttributes(writer.string(name).string(longName), attributes);
      }
      return writer.finish();
    case 'attributes':
      return writeAttributes(writer, reply.attributes).finish();
    case 'extendedReply':
      return writer.raw(reply.payload).finish();
  }
}
