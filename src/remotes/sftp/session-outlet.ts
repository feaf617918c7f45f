/** The way of WRITEs out to the server: in packets whose buffers the session owns, so that nothing has to be copied. */
import type { Duplex } from 'node:stream';
import { MAX_PAYLOAD, PACKET_BUFFER_LENGTH } from './session-pool.ts';

/** A payload in its buffer, which begins with the free bytes that the outlet wants. */
export interface Packet {
  readonly buffer: Buffer;
  /** Of the payload, bytes. */
  readonly length: number;
}

export interface PacketOutlet {
  /** Bytes that must be free in front of a payload. */
  readonly headRoom: number;
  /** Longest payload, bytes; there is room for the rest in a buffer of `PACKET_BUFFER_LENGTH`. */
  readonly maxPayload: number;
  /**
   * Sends payloads in order, behind everything that was written to the Duplex before. May change the buffers, which
   * belong to it until `taken` is called: with an error where the packets were not sent. It may never be called, if the
   * connection ends.
   */
  send(packets: readonly Packet[], taken: (error?: Error | null) => void): void;
}

/** Over any Duplex, by its public interface. */
export function plainOutlet(duplex: Duplex): PacketOutlet {
  return {
    headRoom: 0,
    maxPayload: MAX_PAYLOAD,
    send: (packets, taken) => {
      duplex.cork();
      writeAll(duplex, packets, 0, taken);
      duplex.uncork();
    },
  };
}

/** Writes payloads to the Duplex; `taken` hears of the last one, and of the first that fails. */
export function writeAll(
  duplex: Duplex,
  packets: readonly Packet[],
  headRoom: number,
  taken: (error?: Error | null) => void,
): void {
  packets.forEach(({ buffer, length }, index) => {
    const payload = buffer.subarray(headRoom, headRoom + length);
    duplex.write(payload, index === packets.length - 1 ? taken : undefined);
  });
}

/** @throws RangeError if a packet of this outlet does not fit its buffer. */
export function checkOutlet({ headRoom, maxPayload }: PacketOutlet): void {
  if (headRoom + maxPayload > PACKET_BUFFER_LENGTH) throw new RangeError('A packet would not fit its buffer.');
}
