import { AttributeFlag } from './constants.ts';
import type { PacketReader } from './packet-reader.ts';
import type { PayloadWriter } from './packet-writer.ts';

/**
 * ATTRS of version 3 (draft-ietf-secsh-filexfer-02 section 5). A field that is absent is not sent, or was not sent by
 * the server.
 */
export interface SftpAttributes {
  /** Bytes; a safe integer. */
  readonly size?: number;
  /** User and group as numbers, 0 to 2^32 − 1. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** POSIX `st_mode`: the permission bits (0o7777), and in replies of the server also the type bits. */
  readonly permissions?: number;
  /** Seconds since 1970, 0 to 2^32 − 1 (until the year 2106). Version 3 sends both or neither. */
  readonly times?: { readonly atimeSeconds: number; readonly mtimeSeconds: number };
}

export const NO_ATTRIBUTES: SftpAttributes = Object.freeze({});

/** @throws {CopyError} `protocol`: when a number is out of its range */
export function writeAttributes<W extends PayloadWriter>(writer: W, attributes: SftpAttributes): W {
  const { size, owner, permissions, times } = attributes;
  let flags = 0;
  if (size !== undefined) flags |= AttributeFlag.size;
  if (owner !== undefined) flags |= AttributeFlag.owner;
  if (permissions !== undefined) flags |= AttributeFlag.permissions;
  if (times !== undefined) flags |= AttributeFlag.times;
  writer.uint32(flags);
  if (size !== undefined) writer.uint64(size);
  if (owner !== undefined) writer.uint32(owner.uid).uint32(owner.gid);
  if (permissions !== undefined) writer.uint32(permissions);
  if (times !== undefined) writer.uint32(times.atimeSeconds).uint32(times.mtimeSeconds);
  return writer;
}

/**
 * Flags that version 3 does not define are ignored, as in OpenSSH; extended pairs are skipped.
 * @throws {CopyError} `protocol`: when the packet ends too early or the size exceeds 2^53 − 1
 */
export function readAttributes(reader: PacketReader): SftpAttributes {
  const flags = reader.uint32();
  const attributes: { -readonly [key in keyof SftpAttributes]: SftpAttributes[key] } = {};
  // A size beyond all files, such as -1, is a matter of that file and not of the connection.
  if (flags & AttributeFlag.size) attributes.size = reader.saturatedUint64();
  if (flags & AttributeFlag.owner) attributes.owner = { uid: reader.uint32(), gid: reader.uint32() };
  if (flags & AttributeFlag.permissions) attributes.permissions = reader.uint32();
  if (flags & AttributeFlag.times) {
    attributes.times = { atimeSeconds: reader.uint32(), mtimeSeconds: reader.uint32() };
  }
  if (flags & AttributeFlag.extended) {
    // A count that is too high cannot make this loop long: the packet ends first, as every pair takes at least eight
    // bytes.
    for (let count = reader.uint32(); count > 0; count--) {
      reader.string();
      reader.string();
    }
  }
  return attributes;
}
