/** Computes how far a run is, how fast it is, and when it will end. */
import type { TransferEventBody } from '../events.ts';
import type { PlannedFile, Totals } from './direction.ts';

/** The rate is measured over this time. */
const RATE_WINDOW_MS = 5000;

/** The part of the `progress` event about files and bytes. The run adds the part about connections. */
export type ProgressSnapshot = Omit<
  Extract<TransferEventBody, { type: 'progress' }>,
  'type' | 'connections' | 'connectionsWanted'
>;

export class Progress {
  #filesTotal = 0;
  #bytesTotal = 0;
  /** Known files that are not planned yet. */
  #unplanned = 0;
  #isBegun = false;
  #filesDone = 0;
  /** Bytes of the files that are done. */
  #bytesDone = 0;
  /** Files of unknown size that have not ended. */
  #streamsLeft = 0;
  /** Whether more files may be found. */
  #isGrowing = false;
  readonly #samples: { readonly bytes: number; readonly atMs: number }[] = [];

  constructor(nowMs: number) {
    this.#samples.push({ bytes: 0, atMs: nowMs });
  }

  /**
   * Adds files that are known before they are planned: the first ones that are planned. `isGrowing`: whether others may
   * be found, until {@link onAllPlanned}.
   */
  know({ files, bytes, streams }: Totals, isGrowing = false): void {
    this.#isBegun = true;
    this.#isGrowing = isGrowing;
    this.#unplanned += files;
    this.#filesTotal += files;
    this.#bytesTotal += bytes;
    this.#streamsLeft += streams;
  }

  /** A file was planned. If it was not known before, it is added to the totals. */
  onPlanned({ size, isStream }: Pick<PlannedFile, 'size' | 'isStream'>): void {
    if (this.#unplanned > 0) {
      this.#unplanned--;
      return;
    }
    this.#filesTotal++;
    this.#bytesTotal += size;
    if (isStream) this.#streamsLeft++;
  }

  /** A file that is not to be copied was planned. */
  onPlannedSkipped(size: number): void {
    if (this.#unplanned === 0) return;
    this.#unplanned--;
    this.onSkipped(size);
  }

  /** A planned file turned out not to be to be copied. */
  onSkipped(size: number): void {
    this.#filesTotal--;
    this.#bytesTotal -= size;
  }

  onAllPlanned(): void {
    this.#isGrowing = false;
  }

  /** Whether {@link know} was called. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  get filesTotal(): number {
    return this.#filesTotal;
  }

  get bytesTotal(): number {
    return this.#bytesTotal;
  }

  /** Whether all files are known, and their sizes. */
  get isTotalKnown(): boolean {
    return this.#streamsLeft === 0 && !this.#isGrowing;
  }

  /** A file of unknown size is done or has failed. */
  onStreamEnded(): void {
    this.#streamsLeft--;
  }

  get filesDone(): number {
    return this.#filesDone;
  }

  /** `bytes`: the final size of the file; `planned`: the size that the totals have of it. */
  onFileDone(planned: number, bytes: number): void {
    this.#filesDone++;
    this.#bytesDone += bytes;
    this.#bytesTotal += bytes - planned;
  }

  /** `planned`: the size that the totals have of the file. */
  onFileFailed(planned: number): void {
    this.#bytesTotal -= planned;
  }

  /**
   * `bytesUnderWay`: acknowledged bytes of the files that are not done. `bytesResumed`: bytes of all files that an
   * earlier run had sent, which do not count for the rate. `isTotalKnown`: whether the sizes of all files are known.
   */
  sample(
    bytesUnderWay: number,
    bytesResumed: number,
    nowMs: number,
    isTotalKnown: boolean = this.isTotalKnown,
  ): ProgressSnapshot {
    const bytesDone = this.#bytesDone + bytesUnderWay;
    const bytesSent = bytesDone - bytesResumed;
    // The time before the first byte does not count: the user may be answering a question.
    if (bytesSent === 0) this.#samples.length = 0;
    this.#samples.push({ bytes: bytesSent, atMs: nowMs });
    while (this.#samples.length > 2 && this.#samples[1]!.atMs < nowMs - RATE_WINDOW_MS) this.#samples.shift();
    const oldest = this.#samples[0]!;
    const elapsedMs = nowMs - oldest.atMs;
    // When a file begins again, the number of bytes falls; the rate is not negative then.
    const bytesPerSecond = elapsedMs > 0 ? Math.max(0, ((bytesSent - oldest.bytes) / elapsedMs) * 1000) : 0;
    const rest = this.#bytesTotal - bytesDone;
    return {
      bytesDone,
      bytesResumed,
      bytesTotal: isTotalKnown ? this.#bytesTotal : Math.max(this.#bytesTotal, bytesDone),
      ...(!isTotalKnown && { isTotalKnown }),
      ...(this.#isGrowing && { isGrowing: true }),
      filesDone: this.#filesDone,
      filesTotal: this.filesTotal,
      bytesPerSecond,
      ...(bytesPerSecond > 0 && isTotalKnown && { etaMs: (rest / bytesPerSecond) * 1000 }),
    };
  }
}
