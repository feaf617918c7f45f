import { encodeWriteHeader, writeRequestHeaderLength } from './codec/requests.ts';
import type { Packet, PacketOutlet } from './session-outlet.ts';
import type { PacketPool } from './session-pool.ts';

/**
 * A WRITE request in buffers of the pool, with room for all headers, so that a file is read directly to where the data
 * is encrypted. It may be sent once; after that, its buffers belong to the session.
 */
export class WriteRequest {
  readonly handle: Uint8Array;
  /** The length of the data, in bytes. */
  readonly length: number;
  /**
   * The caller fills these with the data, one after another, before the request is sent, and must not use them
   * afterwards.
   */
  readonly views: readonly Buffer[];
  /** Used only by the session. */
  readonly packets: readonly Packet[];
  /** Used only by the session. */
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

  /**
   * Writes the header of the request before its data. Used only by the session.
   * @throws {CopyError} `protocol`: when the offset is not a safe integer ≥ 0
   */
  encodeHeader(id: number, offset: number): void {
    encodeWriteHeader(this.packets[0]!.buffer, this.#headRoom, id, this.handle, offset, this.length);
  }
}

/**
 * The best length for the data of a WRITE: at most `wanted`. Where that takes more than one packet, all packets are
 * full.
 * @param maxLength the longest data that the server accepts
 */
export function fittingLength(handleLength: number, wanted: number, maxLength: number, maxPayload: number): number {
  const headerLength = writeRequestHeaderLength(handleLength);
  const packets = Math.floor((wanted + headerLength) / maxPayload);
  return Math.min(maxLength, packets === 0 ? wanted : packets * maxPayload - headerLength);
}
