import { writeRequestHeaderLength } from './codec/requests.ts';

/**
 * One WRITE: a buffer with room for the header in front of the data, so that a file is read straight into the packet.
 * May be sent again, with other data, when the promise of the last time has resolved.
 */
export class WriteRequest {
  readonly handle: Uint8Array;
  /** To be filled before it is sent, and left alone until the server has answered. */
  readonly data: Buffer;
  /** For the session: header room and data. */
  readonly packet: Buffer;
  /** For the session: sent and not answered. */
  inFlight = false;

  constructor(handle: Uint8Array, dataLength: number) {
    const headerLength = writeRequestHeaderLength(handle.length);
    this.handle = handle;
    this.packet = Buffer.allocUnsafe(headerLength + dataLength);
    this.data = this.packet.subarray(headerLength);
  }
}
