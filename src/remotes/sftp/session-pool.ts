/** Bytes of payload in one SSH packet: what servers take at least (RFC 4253, 6.1). */
export const MAX_PAYLOAD: number = 32 * 1024;
/** Enough for the largest payload and what SSH puts around it. */
export const PACKET_BUFFER_LENGTH: number = MAX_PAYLOAD + 1024;
/**
 * Buffers kept for later: as many as all windows of a thread have in flight (see `line-model`). With fewer, each wave of
 * acknowledgements leaves some to the garbage collector, which is late, and the next wave allocates them anew.
 */
const MAX_SPARE = 2048;

/**
 * Buffers for packets, all of one length, that are used again: shared by the sessions of a thread. It knows nothing of
 * those that are out, so one that never comes back costs nothing but itself.
 */
export class PacketPool {
  readonly #spare: Buffer[] = [];

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(PACKET_BUFFER_LENGTH);
  }

  /** Gives a buffer back, once; whoever gave it must not touch it again. */
  give(buffer: Buffer): void {
    if (this.#spare.length < MAX_SPARE) this.#spare.push(buffer);
  }
}
