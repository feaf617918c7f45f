/** Estimates when a file will have been sent, from what has been acknowledged since sending began. */
export class TimeLeft {
  readonly #sizeBytes: number;
  readonly #begunAtMs: number;
  readonly #bytesAtBegin: number;

  /** @param bytesAtBegin bytes that an earlier run had sent */
  constructor(sizeBytes: number, bytesAtBegin: number, nowMs: number) {
    this.#sizeBytes = sizeBytes;
    this.#bytesAtBegin = bytesAtBegin;
    this.#begunAtMs = nowMs;
  }

  /** The estimate in milliseconds; infinite before anything has been acknowledged. */
  ms(bytesAcknowledged: number, nowMs: number): number {
    const left = this.#sizeBytes - bytesAcknowledged;
    const sent = bytesAcknowledged - this.#bytesAtBegin;
    return sent <= 0 ? Number.POSITIVE_INFINITY : (left * (nowMs - this.#begunAtMs)) / sent;
  }
}
