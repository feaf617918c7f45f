import { CopyError } from '../../errors.ts';
import type { ServerLimits } from './codec/extensions.ts';

/** The largest requests of a session; lengths in bytes. */
export interface SessionLimits {
  /** The largest packet that the server accepts. */
  readonly maxPacketLength: number;
  /** The most bytes to ask for in one READ. */
  readonly maxReadLength: number;
  /** The most bytes of data in one WRITE. */
  readonly maxWriteLength: number;
  /** How many files the server keeps open at a time; undefined where it does not say. */
  readonly maxOpenHandles: number | undefined;
}

/** 255 KiB, the limit of OpenSSH, whose server exits without a message when a packet exceeds 256 KiB. */
const MAX_LENGTH = 261_120;

/**
 * The limits for a server that has not told its own: 32 KiB, which every server accepts (draft-ietf-secsh-filexfer-02
 * section 3), or 255 KiB for proftpd, which accepts that but offers `limits@openssh.com` only since 1.3.9.
 * @param softwareHint how the server names itself, such as `mod_sftp/1.3.8`
 */
export function assumedLimits(softwareHint: string | undefined): SessionLimits {
  const length = softwareHint?.startsWith('mod_sftp') ? MAX_LENGTH : 32_768;
  return {
    maxPacketLength: length + PACKET_OVERHEAD,
    maxReadLength: length,
    maxWriteLength: length,
    maxOpenHandles: undefined,
  };
}

/** Smaller limits are refused, because they would require too many requests in flight. */
const MIN_LENGTH = 2048;

/** How many bytes of the largest packet are not data, as OpenSSH calculates it. */
const PACKET_OVERHEAD = 1024;

/**
 * The limits that the server has told, and those of `assumed` where it sets none (0).
 * @throws {CopyError} `protocol`: when a limit is less than 2048 bytes
 */
export function toldLimits(told: ServerLimits, assumed: SessionLimits): SessionLimits {
  const lengths = [told.maxPacketLength, told.maxReadLength, told.maxWriteLength];
  const tooSmall = lengths.find((length) => length > 0 && length < MIN_LENGTH);
  if (tooSmall !== undefined) {
    throw new CopyError('protocol', `The server accepts no requests of a useful size (${tooSmall} bytes).`);
  }
  const packet = told.maxPacketLength;
  const fits = packet === 0 ? MAX_LENGTH : Math.max(1, packet - PACKET_OVERHEAD);
  const length = (one: number, fallback: number) => Math.min(MAX_LENGTH, fits, one === 0 ? fallback : one);
  return {
    maxPacketLength: packet === 0 ? assumed.maxPacketLength : packet,
    maxReadLength: length(told.maxReadLength, assumed.maxReadLength),
    maxWriteLength: length(told.maxWriteLength, assumed.maxWriteLength),
    maxOpenHandles: told.maxOpenHandles === 0 ? undefined : told.maxOpenHandles,
  };
}
