/** How far a run is, how fast it goes, and when it will end. */
import type { TransferEventBody } from '../events.ts';

/** The rate is that of the last seconds. */
const RATE_WINDOW_MS = 5000;

/** What the `progress` event tells of files and bytes; of connections the run knows. */
export type ProgressSnapshot = Omit<
  Extract<TransferEventBody, { type: 'progress' }>,
  'type' | 'connections' | 'connectionsWanted'
>;

export class Progress {
  readonly filesTotal: number;
  #bytesTotal: number;
  #filesDone = 0;
  /** Of files that are done. */
  #bytesDone = 0;
  /** Sources whose sizes are not known, and that are not sent yet. */
  #streamsLeft: number;
  readonly #samples: { readonly bytes: number; readonly atMs: number }[] = [];

  constructor(files: readonly { readonly size: number; readonly isStream?: boolean }[], nowMs: number) {
    this.filesTotal = files.length;
    this.#streamsLeft = files.filter(({ isStream }) => isStream).length;
    this.#bytesTotal = files.reduce((sum, { size }) => sum + size, 0);
    this.#samples.push({ bytes: 0, atMs: nowMs });
  }

  get bytesTotal(): number {
    return this.#bytesTotal;
  }

  /** Whether all that is to be sent, as far as it was looked at, has a size. */
  get isTotalKnown(): boolean {
    return this.#streamsLeft === 0;
  }

  /** The size of a stream does not matter any more: it is done, or failed. */
  streamEnded(): void {
    this.#streamsLeft--;
  }

  get filesDone(): number {
    return this.#filesDone;
  }

  /** `bytes` are what it had in the end, `planned` what was thought at the beginning. */
  fileDone(planned: number, bytes: number): void {
    this.#filesDone++;
    this.#bytesDone += bytes;
    this.#bytesTotal += bytes - planned;
  }

  /** Nothing of it is to come. */
  fileFailed(planned: number): void {
    this.#bytesTotal -= planned;
  }

  /**
   * `bytesUnderWay` are the acknowledged bytes of the files that are not done; `bytesResumed` those of all files that an
   * earlier run had sent: they say nothing of how fast this one is. `isTotalKnown`: whether all that is under way has a size.
   */
  sample(
    bytesUnderWay: number,
    bytesResumed: number,
    nowMs: number,
    isTotalKnown: boolean = this.isTotalKnown,
  ): ProgressSnapshot {
    const bytesDone = this.#bytesDone + bytesUnderWay;
    const bytesSent = bytesDone - bytesResumed;
    // Until the first byte is there nothing was slow: somebody may be answering a question.
    if (bytesSent === 0) this.#samples.length = 0;
    this.#samples.push({ bytes: bytesSent, atMs: nowMs });
    while (this.#samples.length > 2 && this.#samples[1]!.atMs < nowMs - RATE_WINDOW_MS) this.#samples.shift();
    const oldest = this.#samples[0]!;
    const elapsedMs = nowMs - oldest.atMs;
    // A file that had to be begun anew takes the count back; there is no negative rate.
    const bytesPerSecond = elapsedMs > 0 ? Math.max(0, ((bytesSent - oldest.bytes) / elapsedMs) * 1000) : 0;
    const rest = this.#bytesTotal - bytesDone;
    return {
      bytesDone,
      bytesResumed,
      bytesTotal: isTotalKnown ? this.#bytesTotal : Math.max(this.#bytesTotal, bytesDone),
      ...(!isTotalKnown && { isTotalKnown }),
      filesDone: this.#filesDone,
      filesTotal: this.filesTotal,
      bytesPerSecond,
      ...(bytesPerSecond > 0 && isTotalKnown && { etaMs: (rest / bytesPerSecond) * 1000 }),
    };
  }
}
