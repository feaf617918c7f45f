import { CopyError } from '../../../errors.ts';
import { checkHandle } from './packet-writer.ts';

/** Reads the fields of one packet, its length already taken off. Whatever would pass the end throws `protocol`. */
export class PacketReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(packet: Uint8Array) {
    this.#buffer = Buffer.isBuffer(packet) ? packet : Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#buffer.length - this.#at;
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#buffer.length - at) {
      throw new CopyError('protocol', `An SFTP packet ends ${length - this.remaining} bytes too early.`);
    }
    this.#at = at + length;
    return at;
  }

  byte(): number {
    return this.#buffer[this.#take(1)]!;
  }

  uint32(): number {
    return this.#buffer.readUInt32BE(this.#take(4));
  }

  /** @throws {CopyError} `protocol` beyond 2^53 − 1 */
  uint64(): number {
    const value = this.#uint64();
    if (value > Number.MAX_SAFE_INTEGER)
      throw new CopyError('protocol', 'An SFTP packet holds an absurd size or offset.');
    return value;
  }

  /** @throws {CopyError} `protocol` beyond 2^53 − 1, either way */
  int64(): number {
    const value = Number(this.#buffer.readBigInt64BE(this.#take(8)));
    if (!Number.isSafeInteger(value)) throw new CopyError('protocol', 'An SFTP packet holds an absurd length.');
    return value;
  }

  /** For numbers where a huge value means "no limit": beyond 2^53 − 1 it is 2^53 − 1. */
  saturatedUint64(): number {
    return Math.min(this.#uint64(), Number.MAX_SAFE_INTEGER);
  }

  #uint64(): number {
    const at = this.#take(8);
    return this.#buffer.readUInt32BE(at) * 0x1_0000_0000 + this.#buffer.readUInt32BE(at + 4);
  }

  /** The next `length` bytes; shares memory with the packet. */
  raw(length: number): Buffer {
    const at = this.#take(length);
    return this.#buffer.subarray(at, at + length);
  }

  /** Length, then bytes; shares memory with the packet. */
  string(): Buffer {
    return this.raw(this.uint32());
  }

  /** @throws {CopyError} `protocol` if the handle is longer than 256 bytes */
  handle(): Buffer {
    return checkHandle(this.string());
  }

  /** What is left; shares memory with the packet. */
  rest(): Buffer {
    return this.raw(this.remaining);
  }
}
