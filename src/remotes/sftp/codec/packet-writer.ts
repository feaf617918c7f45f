import { CopyError } from '../../../errors.ts';
import { MAX_HANDLE_LENGTH, type PacketType } from './constants.ts';

/** Encodes fields one after another. Used directly for the payloads of extensions. */
export class PayloadWriter {
  #buffer: Buffer = Buffer.allocUnsafe(128);
  #at = 0;

  /**
   * Reserves `length` bytes and returns where they begin. It may replace the buffer, so that `#buffer` must be read
   * only afterwards.
   */
  #reserve(length: number): number {
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
    const at = this.#reserve(1);
    this.#buffer[at] = value;
    return this;
  }

  /** @throws {CopyError} `protocol`: when `value` is not an integer from 0 to 2^32 − 1 */
  uint32(value: number): this {
    if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) throw outOfRange(value);
    const at = this.#reserve(4);
    this.#buffer.writeUInt32BE(value, at);
    return this;
  }

  /** @throws {CopyError} `protocol`: when `value` is not a safe integer ≥ 0 */
  uint64(value: number): this {
    const at = this.#reserve(8);
    writeUint64(this.#buffer, at, value);
    return this;
  }

  /** @throws {CopyError} `protocol`: when `value` is not a safe integer */
  int64(value: number): this {
    if (!Number.isSafeInteger(value)) throw outOfRange(value);
    const at = this.#reserve(8);
    this.#buffer.writeBigInt64BE(BigInt(value), at);
    return this;
  }

  /** Writes the bytes without their length. */
  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length);
    this.#buffer.set(bytes, at);
    return this;
  }

  /** Writes the length, then the bytes; a JavaScript string is encoded as UTF-8. */
  string(value: Uint8Array | string): this {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    return this.uint32(bytes.length).raw(bytes);
  }

  /** @throws {CopyError} `protocol`: when the handle is longer than 256 bytes */
  handle(handle: Uint8Array): this {
    return this.string(checkHandle(handle));
  }

  /** Returns what was written. The writer must not be used afterwards. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }
}

/**
 * Encodes one packet, preceded by its length. WRITE is encoded by `encodeWriteHeader` instead, to avoid copying its
 * data.
 */
export class PacketWriter extends PayloadWriter {
  constructor(type: (typeof PacketType)[keyof typeof PacketType]) {
    super();
    this.uint32(0).byte(type);
  }

  /** Fills in the length and returns the packet. */
  override finish(): Buffer {
    const packet = super.finish();
    packet.writeUInt32BE(packet.length - 4, 0);
    return packet;
  }
}

/** @throws {CopyError} `protocol`: when `value` is not a safe integer ≥ 0 */
export function writeUint64(buffer: Buffer, at: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw outOfRange(value);
  buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
  buffer.writeUInt32BE(value % 0x1_0000_0000, at + 4);
}

/**
 * Returns the handle (draft-ietf-secsh-filexfer-02 section 6.2).
 * @throws {CopyError} `protocol`: when it is longer than 256 bytes
 */
export function checkHandle<T extends Uint8Array>(handle: T): T {
  if (handle.length > MAX_HANDLE_LENGTH) {
    throw new CopyError('protocol', `A handle of ${handle.length} bytes is longer than ${MAX_HANDLE_LENGTH}.`);
  }
  return handle;
}

function outOfRange(value: number): CopyError {
  return new CopyError('protocol', `The number ${value} does not fit its place in an SFTP packet.`);
}
