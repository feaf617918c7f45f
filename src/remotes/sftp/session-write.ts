import { encodeWriteHeader, writeRequestHeaderLength } from './codec/requests.ts';
import type { Packet, PacketOutlet } from './session-outlet.ts';
import type { PacketPool } from './session-pool.ts';

/**
 * One WRITE in packets of the pool, with room for all headers, so that a file is read straight to where it is encrypted.
 * To be sent once: then its packets belong to the session again.
 */
export class WriteRequest {
  readonly handle: Uint8Array;
  /** Of the data, bytes. */
  readonly length: number;
  /** Where the data goes, one after another; to be filled before it is sent, and left alone afterwards. */
  readonly views: readonly Buffer[];
  /** For the session. */
  readonly packets: readonly Packet[];
  /** For the session. */
  isSent = false;
  readonly #headRoom: number;

  constructor(handle: Uint8Array, length: number, { headRoom, maxPayload }: PacketOutlet, pool: PacketPool) {
    const headerLength = writeRequestHeaderLength(handle.length);
    const views: Buffer[] = [];
    const packets: Packet[] = [];
    let header = headerLength;
    for (let rest = headerLength + length; rest > 0; rest -= maxPayload) {
      const buffer = pool.take();
      const packet = { buffer, length: Math.min(rest, maxPayload) };
      packets.push(packet);
      views.push(buffer.subarray(headRoom + header, headRoom + packet.length));
      header = 0;
    }
    this.handle = handle;
    this.length = length;
    this.views = views;
    this.packets = packets;
    this.#headRoom = headRoom;
  }

  /** For the session: puts everything but the data in front of it. @throws {CopyError} `protocol` for an absurd offset */
  encodeHeader(id: number, offset: number): void {
    encodeWriteHeader(this.packets[0]!.buffer, this.#headRoom, id, this.handle, offset, this.length);
  }
}

/**
 * How long the data of a WRITE is best: at most `wanted`, and where that is more than one packet, so that all are full.
 * @param maxLength what the server takes
 */
export function fittingLength(handleLength: number, wanted: number, maxLength: number, maxPayload: number): number {
  const headerLength = writeRequestHeaderLength(handleLength);
  const packets = Math.floor((wanted + headerLength) / maxPayload);
  return Math.min(maxLength, packets === 0 ? wanted : packets * maxPayload - headerLength);
}
