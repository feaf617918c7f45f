import { CopyError } from '../../errors.ts';
import type { ServerLimits } from './codec/extensions.ts';

/** What one request of a session may carry. */
export interface SessionLimits {
  /** Largest packet the server takes, bytes. */
  readonly maxPacketLength: number;
  /** Bytes to ask for in one READ. */
  readonly maxReadLength: number;
  /** Bytes of data to put into one WRITE. */
  readonly maxWriteLength: number;
  /** Files the server keeps open at a time; undefined where it does not say. */
  readonly maxOpenHandles: number | undefined;
}

/** 255 KiB: what OpenSSH takes, whose server ends without a word when a packet passes 256 KiB. Never more. */
const largest = 261_120;

/**
 * Without `limits@openssh.com`: 32 KiB, which every server takes (draft-ietf-secsh-filexfer-02 section 3), save on
 * proftpd, which takes 255 KiB and tells so only since 1.3.9.
 * @param softwareHint how the server names itself, such as `mod_sftp/1.3.8`
 */
export function assumedLimits(softwareHint: string | undefined): SessionLimits {
  const length = softwareHint?.startsWith('mod_sftp') ? largest : 32_768;
  return {
    maxPacketLength: length + packetRoom,
    maxReadLength: length,
    maxWriteLength: length,
    maxOpenHandles: undefined,
  };
}

/** Smaller limits would need more requests in flight than anybody can bear. */
const smallest = 2048;

/** What is not data in the largest packet, as OpenSSH reckons it. */
const packetRoom = 1024;

/**
 * The server's own limits, with `assumed` for what it leaves open (0).
 * @throws {CopyError} `protocol` if they are absurdly small
 */
export function toldLimits(told: ServerLimits, assumed: SessionLimits): SessionLimits {
  const tooSmall = [told.maxPacketLength, told.maxReadLength, told.maxWriteLength].find((n) => n > 0 && n < smallest);
  if (tooSmall !== undefined) {
    throw new CopyError('protocol', `The server takes no requests of a useful size (${tooSmall} bytes).`);
  }
  const packet = told.maxPacketLength;
  const fits = packet === 0 ? largest : Math.max(1, packet - packetRoom);
  const length = (one: number, fallback: number) => Math.min(largest, fits, one === 0 ? fallback : one);
  return {
    maxPacketLength: packet === 0 ? assumed.maxPacketLength : packet,
    maxReadLength: length(told.maxReadLength, assumed.maxReadLength),
    maxWriteLength: length(told.maxWriteLength, assumed.maxWriteLength),
    maxOpenHandles: told.maxOpenHandles === 0 ? undefined : told.maxOpenHandles,
  };
}
