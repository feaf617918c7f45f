/** Receives from the server without the Duplex, into memory that is used again. */

import { PacketType } from './codec/constants.ts';
import type { AllocatePacket } from './codec/packet-framer.ts';

export interface PacketInlet {
  /**
   * From now on, `onBytes` gets what arrives on the channel. The Duplex emits only what arrived before. The bytes are
   * valid during the call. Called once.
   */
  begin(onBytes: (bytes: Buffer) => void): void;
}

/** The lengths of the buffers in bytes: for requests of up to 32, 64, 128 and 255 KiB, with their headers. */
const LENGTHS: readonly number[] = [32, 64, 128, 256].map((kib) => kib * 1024 + 64);
/** Shorter packets have memory of their own. */
const SHORTEST = 4 * 1024;
/** Unused bytes that are kept. */
const MAX_SPARE_BYTES = 16 * 1024 * 1024;

/**
 * A pool of buffers for answers to READs, which the sessions of a thread share. Without it, each answer would be memory
 * that V8 has to collect, which takes more time than decrypting it. A buffer that is never given back is garbage
 * collected.
 */
export class ReadPool {
  readonly #spare: readonly Buffer[][] = LENGTHS.map(() => []);
  readonly #inUse: WeakSet<ArrayBufferLike> = new WeakSet();
  #spareBytes = 0;

  /** For a packet of `length` bytes. */
  readonly allocate: AllocatePacket = (length, type) => {
    const index = LENGTHS.findIndex((one) => one >= length);
    if (type !== PacketType.data || length < SHORTEST || index < 0) return Buffer.allocUnsafe(length);
    const spare = this.#spare[index]!.pop();
    if (spare !== undefined) this.#spareBytes -= spare.length;
    const buffer = spare ?? Buffer.allocUnsafeSlow(LENGTHS[index]!);
    this.#inUse.add(buffer.buffer);
    return buffer.subarray(0, length);
  };

  /** Takes back the memory that `bytes` are part of, if it is of this pool. The caller must not use it afterwards. */
  give({ buffer }: Uint8Array): void {
    if (!this.#inUse.delete(buffer)) return;
    if (this.#spareBytes + buffer.byteLength > MAX_SPARE_BYTES) return;
    this.#spareBytes += buffer.byteLength;
    this.#spare[LENGTHS.indexOf(buffer.byteLength)]!.push(Buffer.from(buffer));
  }
}
