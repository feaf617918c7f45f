/** The largest payload of an SSH packet in bytes, which every server has to accept (RFC 4253, 6.1). */
export const MAX_PAYLOAD: number = 32 * 1024;
/** Enough for the largest payload and what SSH adds to it, in bytes. */
export const PACKET_BUFFER_LENGTH: number = MAX_PAYLOAD + 1024;
/**
 * How many unused buffers are kept: as many as all windows of a thread have in flight (see `line-model`). With fewer, a
 * burst of acknowledgements would discard buffers that the next burst of requests allocates again.
 */
const MAX_SPARE = 2048;

/**
 * A pool of buffers for packets, all of one length, which the sessions of a thread share. It keeps no record of buffers
 * that are in use, so that a buffer that is never given back is simply garbage collected.
 */
export class PacketPool {
  readonly #spare: Buffer[] = [];

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(PACKET_BUFFER_LENGTH);
  }

  /** Gives a buffer back. The caller must do that once, and not use the buffer afterwards. */
  give(buffer: Buffer): void {
    if (this.#spare.length < MAX_SPARE) this.#spare.push(buffer);
  }
}
