import { CopyError } from '../../../errors.ts';
import { checkHandle } from './packet-writer.ts';

/**
 * Reads the fields of one packet, whose length was removed before. Every method throws a CopyError `protocol` when the
 * packet ends before the field does.
 */
export class PacketReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(packet: Uint8Array) {
    this.#buffer = Buffer.isBuffer(packet) ? packet : Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
  }

  /** How many bytes are not read yet. */
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

  /** @throws {CopyError} `protocol`: when the number exceeds 2^53 − 1 */
  uint64(): number {
    const value = this.#uint64();
    if (value > Number.MAX_SAFE_INTEGER)
      throw new CopyError('protocol', 'An SFTP packet holds an absurd size or offset.');
    return value;
  }

  /** @throws {CopyError} `protocol`: when the number is outside ±(2^53 − 1) */
  int64(): number {
    const value = Number(this.#buffer.readBigInt64BE(this.#take(8)));
    if (!Number.isSafeInteger(value)) throw new CopyError('protocol', 'An SFTP packet holds an absurd length.');
    return value;
  }

  /** For limits, where a huge number means "no limit", and sizes of files: a number beyond 2^53 − 1 becomes 2^53 − 1. */
  saturatedUint64(): number {
    return Math.min(this.#uint64(), Number.MAX_SAFE_INTEGER);
  }

  #uint64(): number {
    const at = this.#take(8);
    return this.#buffer.readUInt32BE(at) * 0x1_0000_0000 + this.#buffer.readUInt32BE(at + 4);
  }

  /** The next `length` bytes. The result shares memory with the packet. */
  raw(length: number): Buffer {
    const at = this.#take(length);
    return this.#buffer.subarray(at, at + length);
  }

  /** A length, then that many bytes. The result shares memory with the packet. */
  string(): Buffer {
    return this.raw(this.uint32());
  }

  /** @throws {CopyError} `protocol`: when the handle is longer than 256 bytes */
  handle(): Buffer {
    return checkHandle(this.string());
  }

  /** All bytes that are not read yet. The result shares memory with the packet. */
  rest(): Buffer {
    return this.raw(this.remaining);
  }
}
