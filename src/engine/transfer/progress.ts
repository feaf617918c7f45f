/** How far a run is, how fast it goes, and when it will end. */
import type { TransferEventBody } from '../events.ts';
import type { PlannedFile, Totals } from './direction.ts';

/** The rate is that of the last seconds. */
const RATE_WINDOW_MS = 5000;

/** What the `progress` event tells of files and bytes; of connections the run knows. */
export type ProgressSnapshot = Omit<
  Extract<TransferEventBody, { type: 'progress' }>,
  'type' | 'connections' | 'connectionsWanted'
>;

export class Progress {
  #filesTotal = 0;
  #bytesTotal = 0;
  /** Of the files that are known, those that are not planned yet. */
  #unplanned = 0;
  #isBegun = false;
  #filesDone = 0;
  /** Of files that are done. */
  #bytesDone = 0;
  /** Sources whose sizes are not known, and that are not sent yet. */
  #streamsLeft = 0;
  readonly #samples: { readonly bytes: number; readonly atMs: number }[] = [];

  constructor(nowMs: number) {
    this.#samples.push({ bytes: 0, atMs: nowMs });
  }

  /** Files that are known before they are planned: the first ones. */
  know({ files, bytes, streams }: Totals): void {
    this.#isBegun = true;
    this.#unplanned += files;
    this.#filesTotal += files;
    this.#bytesTotal += bytes;
    this.#streamsLeft += streams;
  }

  /** What was not known before is added to the totals. */
  planned({ size, isStream }: Pick<PlannedFile, 'size' | 'isStream'>): void {
    if (this.#unplanned > 0) {
      this.#unplanned--;
      return;
    }
    this.#filesTotal++;
    this.#bytesTotal += size;
    if (isStream) this.#streamsLeft++;
  }

  /** Whether it is known what is going to be copied. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  get filesTotal(): number {
    return this.#filesTotal;
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
