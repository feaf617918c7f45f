/**
 * Verifies one staged file while it is written: each piece as soon as it is acknowledged, by digests of both sides or
 * by reading it back. A piece that differs is sent again. A provider that says wrongly that a piece differs is dropped.
 *
 * A piece is in one of these states:
 *
 * - not acknowledged as a whole: nothing is done with it
 * - queued, or being compared in one of the batches
 * - verified
 * - wrong: the listener has it sent again, and it is queued again when it is acknowledged
 *
 * The work of a batch is proportional to its pieces, however many are queued or verified.
 */
import { CopyError } from '../../errors.ts';
import type { Range } from '../../remotes/remote.ts';
import { RangeSet } from '../../util/range-set.ts';
import { nextBoundary, wholePieces } from '../schedule/grid.ts';
import { type Compared, compareDigests, isSameReadBack, isWronglyDoubted, type Sides } from './digest-comparison.ts';
import type { DigestProviders } from './digest-providers.ts';
import { type VerificationMethod, VerifiedRanges } from './verified-ranges.ts';

/** Bytes and pieces that are compared at once: few enough that results come several times a minute. */
const BATCH_BYTES = 64 * 1024 * 1024;
const MAX_BATCH = 256;
/** Batches that are compared at the same time. */
const MAX_BATCHES = 2;
/** How often a piece is sent again before the file fails. */
const MAX_REWRITES = 3;
/** Without a reason, an abort captures a stack, which for a small file takes longer than anything else. */
const STOPPED = new Error('Nothing more is verified.');

export interface VerifiedFile extends Sides {
  readonly size: number;
  readonly pieceSize: number;
}

/** The ledger of the file. */
export interface AcknowledgedRanges {
  /** A copy. */
  readonly acknowledged: RangeSet;
  /** Whether all of a range is acknowledged. */
  has(range: Range): boolean;
}

export interface VerifierListener {
  /** Called when the value of `isSettled` may have changed. */
  onChanged(): void;
  onFailed(error: CopyError): void;
  /**
   * A piece is wrong on the server. Resolves when it may be sent again. `doubted`: pieces of which the same comparison
   * says that they differ, and which may be wrong next.
   */
  onWrong(piece: Range, doubted: readonly Range[]): Promise<void>;
}

/** Verified bytes, by method. */
export interface Verified {
  readonly byDigest: number;
  readonly byReadBack: number;
}

export class FileVerifier {
  readonly #file: VerifiedFile;
  readonly #ledger: AcknowledgedRanges;
  /** Undefined: everything is read back. */
  readonly #providers: DigestProviders | undefined;
  readonly #listener: VerifierListener;
  /** Pieces that are acknowledged and wait to be compared. */
  readonly #queue: RangeSet = new RangeSet();
  readonly #verified: VerifiedRanges = new VerifiedRanges();
  /** How often each piece was sent again, by its offset. */
  readonly #rewrites: Map<number, number> = new Map();
  /** Each compares one batch after another. */
  readonly #lanes: Set<Promise<void>> = new Set();
  /** Increased when acknowledged bytes may have been lost: a comparison that began earlier says nothing about them. */
  #epoch = 0;
  #hasNoMeans = false;
  readonly #stopping: AbortController = new AbortController();

  constructor(
    file: VerifiedFile,
    ledger: AcknowledgedRanges,
    providers: DigestProviders | undefined,
    listener: VerifierListener,
  ) {
    this.#file = { ...file, signal: this.#stopping.signal };
    this.#ledger = ledger;
    this.#providers = providers;
    this.#listener = listener;
  }

  /** Whether no provider is left that could verify anything. */
  get hasNoMeans(): boolean {
    return this.#hasNoMeans;
  }

  /** Whether every acknowledged piece is verified, or cannot be. */
  get isSettled(): boolean {
    return this.#lanes.size === 0 && this.#queue.isEmpty && !this.#isStopped;
  }

  get verified(): Verified {
    const byReadBack = this.#verified.by('read-back').total;
    return { byDigest: this.#verified.all.total - byReadBack, byReadBack };
  }

  /** The verified pieces. The set changes as more of them are verified. */
  get verifiedRanges(): RangeSet {
    return this.#verified.all;
  }

  /** Pieces, ascending. */
  verifiedBy(method: VerificationMethod): Range[] {
    const { size, pieceSize } = this.#file;
    return [...wholePieces(this.#verified.by(method), size, pieceSize)];
  }

  isVerified(piece: Range): boolean {
    return this.#verified.has(piece);
  }

  onAcknowledged(parts: readonly Range[]): void {
    this.#queueWithin(parts);
  }

  /** A piece that an earlier run had sent was compared by `method`, and is right. */
  onResumed(piece: Range, method: VerificationMethod): void {
    if (this.#isDropped(method)) return;
    this.#queue.remove(piece);
    this.#verified.add(piece, method);
  }

  /** Some acknowledged bytes are not acknowledged any more: their pieces are neither verified nor queued. */
  onDistrusted(): void {
    this.#epoch++;
    const { acknowledged } = this.#ledger;
    for (const lost of this.#verified.all.without(acknowledged)) this.#verified.remove(this.#widened(lost));
    for (const lost of this.#queue.without(acknowledged)) this.#queue.remove(this.#widened(lost));
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Ends the verification: later results have no effect. Resolves when no comparison is in progress. */
  async stop(): Promise<void> {
    this.#stopping.abort(STOPPED);
    await Promise.all(this.#lanes);
  }

  /** Queues the pieces of these parts that are acknowledged as a whole. */
  #queueWithin(parts: readonly Range[]): void {
    const { size, pieceSize } = this.#file;
    for (const part of parts) {
      for (const piece of wholePieces([this.#widened(part)], size, pieceSize)) {
        if (!this.#verified.has(piece) && this.#ledger.has(piece)) this.#queue.add(piece);
      }
    }
    this.#compareQueued();
  }

  #compareQueued(): void {
    if (this.#hasNoMeans) this.#clearQueue();
    while (!this.#isStopped && this.#lanes.size < MAX_BATCHES && !this.#queue.isEmpty) {
      const lane: Promise<void> = this.#runLane().finally(() => {
        this.#lanes.delete(lane);
        this.#compareQueued();
        this.#listener.onChanged();
      });
      this.#lanes.add(lane);
    }
  }

  async #runLane(): Promise<void> {
    try {
      while (!this.#queue.isEmpty && !this.#isStopped) await this.#verifyBatch();
    } catch (error) {
      if (!this.#isStopped) this.#listener.onFailed(CopyError.from(error));
      this.#stopping.abort(STOPPED);
    }
  }

  /** A lost connection does not fail the file: the batch is compared over another connection. */
  async #verifyBatch(): Promise<void> {
    let batch: readonly Range[] = this.#takeBatch();
    const verify = async (): Promise<void> => {
      // Some pieces may be verified by now, or may be sent again.
      batch = batch.filter((piece) => !this.isVerified(piece) && this.#ledger.has(piece));
      if (batch.length > 0 && !this.#isStopped) await this.#verify(batch);
    };
    await this.#file.repeat(verify, () => !this.#isStopped);
  }

  #takeBatch(): Range[] {
    const { size, pieceSize } = this.#file;
    const batch: Range[] = [];
    let bytes = 0;
    for (const piece of wholePieces(this.#queue, size, pieceSize)) {
      if (batch.length > 0 && (bytes + piece.length > BATCH_BYTES || batch.length === MAX_BATCH)) break;
      batch.push(piece);
      bytes += piece.length;
    }
    for (const piece of batch) this.#queue.remove(piece);
    return batch;
  }

  #clearQueue(): void {
    this.#queue.remove({ offset: 0, length: this.#file.size });
  }

  async #verify(batch: readonly Range[]): Promise<void> {
    const epoch = this.#epoch;
    const compared = await this.#compare(batch);
    if (this.#isStopped) return;
    if (compared === undefined) {
      this.#hasNoMeans = true;
      this.#clearQueue();
      return;
    }
    const doubted = batch.filter((_, index) => !compared.same[index]);
    for (const [index, piece] of batch.entries()) {
      if (!compared.same[index]) doubted.shift();
      // A dropped provider is not trusted, and the server may have lost the piece since it was hashed.
      if (this.#isDropped(compared.method) || epoch !== this.#epoch) this.#queueWithin([piece]);
      else if (compared.same[index]) this.#verified.add(piece, compared.method);
      else await this.#differs(piece, compared.method, doubted);
    }
  }

  async #compare(
    batch: readonly Range[],
  ): Promise<{ readonly method: VerificationMethod; readonly same: boolean[] } | undefined> {
    if (this.#providers === undefined) {
      const same: boolean[] = [];
      for (const piece of batch) same.push(await isSameReadBack(this.#file, piece));
      return { method: 'read-back', same };
    }
    const compared = await compareDigests(this.#providers, this.#file, batch);
    return compared && { method: compared.method, same: [...compared.same] };
  }

  /** A piece is sent again only if reading it back shows that it differs: the provider may be wrong. */
  async #differs(piece: Range, method: VerificationMethod, doubted: readonly Range[]): Promise<void> {
    const epoch = this.#epoch;
    const isSame = method !== 'read-back' && (await isWronglyDoubted(this.#file, piece));
    if (epoch !== this.#epoch) return this.#queueWithin([piece]);
    if (isSame) {
      this.#verified.add(piece, 'read-back');
      // What a lost connection had in flight may have arrived between the digest and the reading back.
      const again = await this.#compare([piece]);
      if (again?.method === method && !again.same[0]) {
        await this.#file.expectSource?.();
        this.#dropMethod(method);
      }
      return;
    }
    if (this.#isStopped || !this.#ledger.has(piece)) return;
    const rewrites = (this.#rewrites.get(piece.offset) ?? 0) + 1;
    this.#rewrites.set(piece.offset, rewrites);
    if (rewrites > MAX_REWRITES) {
      throw new CopyError(
        'integrity',
        `${piece.length} bytes at ${piece.offset} are not the same on both sides, however often they are copied.`,
      );
    }
    await this.#listener.onWrong(piece, doubted);
  }

  #isDropped(method: VerificationMethod): boolean {
    return method !== 'read-back' && this.#providers?.inUse !== method;
  }

  /** The pieces that a wrong provider has verified are compared again by the next one. */
  #dropMethod(method: Compared['method']): void {
    this.#providers?.drop(method, 'it gave a wrong digest');
    const doubtful = this.verifiedBy(method);
    for (const piece of doubtful) this.#verified.remove(piece);
    this.#queueWithin(doubtful);
  }

  /** The pieces that share bytes with a range. */
  #widened({ offset, length }: Range): Range {
    const { size, pieceSize } = this.#file;
    const begin = Math.floor(offset / pieceSize) * pieceSize;
    const end = Math.min(size, nextBoundary(offset + length, pieceSize));
    return { offset: begin, length: end - begin };
  }
}
