import { CopyError } from '../../../errors.ts';
import { maxHandleLength, type PacketType } from './constants.ts';

/** Builds fields one after another; used as it is for the payload of an extension. */
export class PayloadWriter {
  #buffer: Buffer = Buffer.allocUnsafe(128);
  #at = 0;

  /** Where the next `length` bytes go. To be called before the buffer is looked at: it may be another afterwards. */
  #room(length: number): number {
    const at = this.#at;
    const needed = at + length;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
    }
    this.#at = needed;
    return at;
  }

  byte(value: number): this {
    const at = this.#room(1);
    this.#buffer[at] = value;
    return this;
  }

  /** @throws {CopyError} `protocol` if `value` is not an integer from 0 to 2^32 − 1 */
  uint32(value: number): this {
    if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) throw outOfRange(value);
    const at = this.#room(4);
    this.#buffer.writeUInt32BE(value, at);
    return this;
  }

  /** @throws {CopyError} `protocol` if `value` is not a safe integer ≥ 0 */
  uint64(value: number): this {
    const at = this.#room(8);
    writeUint64(this.#buffer, at, value);
    return this;
  }

  /** @throws {CopyError} `protocol` if `value` is not a safe integer */
  int64(value: number): this {
    if (!Number.isSafeInteger(value)) throw outOfRange(value);
    const at = this.#room(8);
    this.#buffer.writeBigInt64BE(BigInt(value), at);
    return this;
  }

  /** The bytes as they are, no length in front. */
  raw(bytes: Uint8Array): this {
    const at = this.#room(bytes.length);
    this.#buffer.set(bytes, at);
    return this;
  }

  /** Length, then the bytes; a JavaScript string goes as UTF-8. */
  string(value: Uint8Array | string): this {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    return this.uint32(bytes.length).raw(bytes);
  }

  /** @throws {CopyError} `protocol` if the handle is longer than 256 bytes */
  handle(handle: Uint8Array): this {
    return this.string(checkHandle(handle));
  }

  /** What was written. The writer must not be used again. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }
}

/** Builds one packet, its length in front. WRITE has a way of its own. */
export class PacketWriter extends PayloadWriter {
  constructor(type: (typeof PacketType)[keyof typeof PacketType]) {
    super();
    this.uint32(0).byte(type);
  }

  /** The packet, its length filled in. */
  override finish(): Buffer {
    const packet = super.finish();
    packet.writeUInt32BE(packet.length - 4, 0);
    return packet;
  }
}

/** @throws {CopyError} `protocol` if `value` is not a safe integer ≥ 0 */
export function writeUint64(buffer: Buffer, at: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw outOfRange(value);
  buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
  buffer.writeUInt32BE(value % 0x1_0000_0000, at + 4);
}

/**
 * draft-ietf-secsh-filexfer-02 section 6.2.
 * @throws {CopyError} `protocol` if the handle is longer than 256 bytes
 */
export function checkHandle<T extends Uint8Array>(handle: T): T {
  if (handle.length > maxHandleLength) {
    throw new CopyError('protocol', `A handle of ${handle.length} bytes is longer than ${maxHandleLength}.`);
  }
  return handle;
}

function outOfRange(value: number): CopyError {
  return new CopyError('protocol', `The number ${value} does not fit its place in an SFTP packet.`);
}
