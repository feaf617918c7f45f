import { CopyError } from '../../../errors.ts';
import { PacketType } from './constants.ts';

export interface FramerLimits {
  /** Largest packet, bytes, its length field not counted. Default: 1 MiB. */
  readonly maxLength?: number;
  /** The same for EXTENDED_REPLY, which carries digests by the thousand. Default: 8 MiB. */
  readonly maxExtendedReplyLength?: number;
}

/**
 * Cuts a stream of bytes into packets. A packet that lies whole in a chunk is handed out as a view of the chunk;
 * one that does not is copied once.
 *
 * ```ts
 * framer.push(chunk);
 * for (let packet = framer.next(); packet !== undefined; packet = framer.next()) use(packet);
 * ```
 */
export class PacketFramer {
  readonly #maxLength: number;
  readonly #maxExtendedReplyLength: number;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** The first bytes of a packet while its length and, for a long one, its type are not known. */
  readonly #head: Buffer = Buffer.alloc(5);
  #headLength = 0;
  #packet: Buffer | undefined;
  #filled = 0;

  constructor(limits: FramerLimits = {}) {
    this.#maxLength = limits.maxLength ?? 1024 * 1024;
    this.#maxExtendedReplyLength = limits.maxExtendedReplyLength ?? 8 * 1024 * 1024;
  }

  /**
   * Gives the framer the next bytes; they must not change any more.
   * @throws {CopyError} `bug` if packets of the chunk before have not been taken
   */
  push(chunk: Uint8Array): void {
    if (this.#at < this.#chunk.length) throw new CopyError('bug', 'A chunk came before the last one was used up.');
    this.#chunk = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#at = 0;
  }

  /**
   * The next packet without its length (its first byte is the type), or undefined when more bytes are needed.
   * @throws {CopyError} `protocol` if a packet has no type or is longer than allowed; the framer is of no use then
   */
  next(): Buffer | undefined {
    if (this.#packet === undefined) {
      const whole = this.#begin();
      if (whole !== undefined) return whole;
      if (this.#packet === undefined) return undefined;
    }
    return this.#fill(this.#packet);
  }

  /** A packet that lies whole in the chunk; otherwise sets `#packet` as soon as its length is known. */
  #begin(): Buffer | undefined {
    const chunk = this.#chunk;
    if (this.#headLength === 0 && chunk.length - this.#at > 4) {
      const length = chunk.readUInt32BE(this.#at);
      this.#check(length, chunk[this.#at + 4]!);
      const from = this.#at + 4;
      if (chunk.length - from >= length) {
        this.#at = from + length;
        return chunk.subarray(from, from + length);
      }
      this.#at = from;
      this.#packet = Buffer.allocUnsafe(length);
      this.#filled = 0;
      return undefined;
    }
    while (this.#headLength < 5 && this.#at < chunk.length) this.#head[this.#headLength++] = chunk[this.#at++]!;
    if (this.#headLength < 4) return undefined;
    const length = this.#head.readUInt32BE(0);
    // Without its type a length can be refused only if no type would allow it.
    this.#check(length, this.#headLength === 5 ? this.#head[4]! : PacketType.extendedReply);
    if (this.#headLength < 5) return undefined;
    this.#packet = Buffer.allocUnsafe(length);
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
