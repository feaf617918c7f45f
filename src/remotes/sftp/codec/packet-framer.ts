import { CopyError } from '../../../errors.ts';
import { PacketType } from './constants.ts';

export interface FramerLimits {
  /** The largest packet in bytes, its length field not counted. Default: 1 MiB. */
  readonly maxLength?: number;
  /** The same for EXTENDED_REPLY, which may carry thousands of digests. Default: 8 MiB. */
  readonly maxExtendedReplyLength?: number;
}

/** Memory for a packet of `length` bytes, whose first byte will be `type`. */
export type AllocatePacket = (length: number, type: number) => Buffer;

/**
 * Splits a stream of bytes into packets. A packet that lies in one chunk is returned as a view of the chunk; one that
 * spans several chunks is copied once. With `allocate`, each packet is copied to the memory that this returns, so that
 * chunks may change as soon as {@link next} has returned undefined.
 *
 * A packet that is empty or longer than allowed cannot be skipped, so that the framer cannot be used afterwards. It
 * never allocates more than the limit for one packet.
 *
 * ```ts
 * framer.push(chunk);
 * for (let packet = framer.next(); packet !== undefined; packet = framer.next()) use(packet);
 * ```
 */
export class PacketFramer {
  readonly #maxLength: number;
  readonly #maxExtendedReplyLength: number;
  readonly #allocate: AllocatePacket;
  readonly #copiesAll: boolean;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** The length and the type of a packet whose first five bytes span several chunks. */
  readonly #head: Buffer = Buffer.alloc(5);
  #headLength = 0;
  #packet: Buffer | undefined;
  #filled = 0;

  constructor(limits: FramerLimits = {}, allocate?: AllocatePacket) {
    this.#maxLength = limits.maxLength ?? 1024 * 1024;
    this.#maxExtendedReplyLength = limits.maxExtendedReplyLength ?? 8 * 1024 * 1024;
    this.#allocate = allocate ?? Buffer.allocUnsafe;
    this.#copiesAll = allocate !== undefined;
  }

  /**
   * Adds the next bytes. They must not change afterwards, unless all packets are copied.
   * @throws {CopyError} `bug`: when {@link next} has not returned all packets of the previous chunk
   */
  push(chunk: Uint8Array): void {
    if (this.#at < this.#chunk.length) throw new CopyError('bug', 'A chunk came before the last one was used up.');
    this.#chunk = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#at = 0;
  }

  /**
   * The next packet without its length, so that its first byte is the type; undefined when more bytes are needed.
   * @throws {CopyError} `protocol`: when a packet has no type or is longer than allowed
   */
  next(): Buffer | undefined {
    if (this.#packet === undefined) {
      const whole = this.#begin();
      if (whole !== undefined) return whole;
      if (this.#packet === undefined) return undefined;
    }
    return this.#fill(this.#packet);
  }

  /**
   * Returns a packet that lies in this chunk as a whole, unless all are copied. For any other, sets `#packet` as soon
   * as its length is known.
   */
  #begin(): Buffer | undefined {
    const chunk = this.#chunk;
    if (this.#headLength === 0 && chunk.length - this.#at > 4) {
      const length = chunk.readUInt32BE(this.#at);
      this.#check(length, chunk[this.#at + 4]!);
      const from = this.#at + 4;
      if (!this.#copiesAll && chunk.length - from >= length) {
        this.#at = from + length;
        return chunk.subarray(from, from + length);
      }
      this.#at = from;
      this.#packet = this.#allocate(length, chunk[from]!);
      this.#filled = 0;
      return undefined;
    }
    while (this.#headLength < 5 && this.#at < chunk.length) this.#head[this.#headLength++] = chunk[this.#at++]!;
    if (this.#headLength < 4) return undefined;
    const length = this.#head.readUInt32BE(0);
    // While the type is not known, only a length that no type allows can be refused.
    this.#check(length, this.#headLength === 5 ? this.#head[4]! : PacketType.extendedReply);
    if (this.#headLength < 5) return undefined;
    this.#packet = this.#allocate(length, this.#head[4]!);
    this.#packet[0] = this.#head[4]!;
    this.#filled = 1;
    this.#headLength = 0;
    return undefined;
  }

  #fill(packet: Buffer): Buffer | undefined {
    const taken = Math.min(packet.length - this.#filled, this.#chunk.length - this.#at);
    this.#chunk.copy(packet, this.#filled, this.#at, this.#at + taken);
    this.#at += taken;
    this.#filled += taken;
    if (this.#filled < packet.length) return undefined;
    this.#packet = undefined;
    return packet;
  }

  #check(length: number, type: number): void {
    if (length === 0) throw new CopyError('protocol', 'The server sent an empty SFTP packet.');
    const limit = type === PacketType.extendedReply ? this.#maxExtendedReplyLength : this.#maxLength;
    if (length > limit) {
      throw new CopyError('protocol', `The server sent an SFTP packet of ${length} bytes; at most ${limit} are taken.`);
    }
  }
}
