/** Sends WRITEs to the server, in packets whose buffers the session owns, so that nothing has to be copied. */
import type { Duplex } from 'node:stream';
import { MAX_PAYLOAD, PACKET_BUFFER_LENGTH } from './session-pool.ts';

/** A payload in a buffer, preceded by as many free bytes as the outlet needs. */
export interface Packet {
  readonly buffer: Buffer;
  /** The length of the payload, in bytes. */
  readonly length: number;
}

export interface PacketOutlet {
  /** How many bytes must be free before a payload. */
  readonly headRoom: number;
  /** The longest payload, in bytes. What the outlet adds to it fits into a buffer of `PACKET_BUFFER_LENGTH`. */
  readonly maxPayload: number;
  /**
   * Sends payloads in order, after everything that was written to the Duplex before. The buffers belong to the outlet,
   * which may change them, until it calls `onTaken`: with an error where the packets were not sent. If the connection
   * ends, it may never call it.
   */
  send(packets: readonly Packet[], onTaken: (error?: Error | null) => void): void;
  /**
   * Writes bytes to the Duplex, together with what else is written within a moment, because each packet and each call of
   * the system costs more than a request. Absent: they are to be written to the Duplex itself.
   */
  write?(bytes: Buffer, onTaken: (error?: Error | null) => void): void;
}

/** An outlet for any Duplex, which uses its public interface. */
export function plainOutlet(duplex: Duplex): PacketOutlet {
  return {
    headRoom: 0,
    maxPayload: MAX_PAYLOAD,
    send: (packets, onTaken) => {
      duplex.cork();
      writeAll(duplex, packets, 0, onTaken);
      duplex.uncork();
    },
  };
}

/** Writes payloads to the Duplex. `onTaken` is called when the last one is taken. */
export function writeAll(
  duplex: Duplex,
  packets: readonly Packet[],
  headRoom: number,
  onTaken: (error?: Error | null) => void,
): void {
  packets.forEach(({ buffer, length }, index) => {
    const payload = buffer.subarray(headRoom, headRoom + length);
    duplex.write(payload, index === packets.length - 1 ? onTaken : undefined);
  });
}

/** @throws {RangeError} when the packets of this outlet do not fit their buffers */
export function checkOutlet({ headRoom, maxPayload }: PacketOutlet): void {
  if (headRoom + maxPayload > PACKET_BUFFER_LENGTH) throw new RangeError('A packet would not fit its buffer.');
}
