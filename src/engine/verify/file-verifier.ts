/**
 * Verifies one staged file while it is written: each piece when it is acknowledged, by digests of both sides or by
 * reading it back. What differs is sent again; a provider that says so wrongly is dropped.
 */
import { CopyError } from '../../errors.ts';
import type { Range } from '../../remotes/remote.ts';
import { Patience } from '../connections/patience.ts';
import { wholePieces } from '../schedule/grid.ts';
import type { Scheduler } from '../schedule/scheduler.ts';
import { type Compared, compareDigests, isSameReadBack, type Sides } from './digest-comparison.ts';
import type { DigestProviders } from './digest-providers.ts';

/** Bytes that are compared at once, so that answers come now and then. */
const BATCH_BYTES = 64 * 1024 * 1024;
const MAX_BATCH = 256;
/** Batches under way. */
const LANES = 2;
/** How often a piece is sent again. */
const MAX_REWRITES = 3;

export interface VerifiedFile extends Sides {
  /** Number of the file job. */
  readonly file: number;
  readonly size: number;
  readonly pieceSize: number;
}

export interface VerifierListener {
  /** What `isSettled` says may have changed. */
  changed(): void;
  failed(error: CopyError): void;
  /** A piece is wrong on the server. Resolves when it may be sent again. */
  wrong(piece: Range): Promise<void>;
}

/** Bytes, by what they were verified by. */
export interface Verified {
  readonly byDigest: number;
  readonly byReadBack: number;
}

type How = Compared['method'] | 'read-back';

export class FileVerifier {
  readonly #file: VerifiedFile;
  readonly #scheduler: Scheduler;
  /** Undefined: everything is read back. */
  readonly #providers: DigestProviders | undefined;
  readonly #listener: VerifierListener;
  /** To be verified, by offset. */
  readonly #queue: Map<number, Range> = new Map();
  readonly #verified: Map<number, { readonly piece: Range; readonly how: How }> = new Map();
  readonly #rewrites: Map<number, number> = new Map();
  readonly #lanes: Set<Promise<void>> = new Set();
  /** What was found out before it changed is worth nothing. */
  #epoch = 0;
  readonly #patience: Patience;
  #hasNoMeans = false;
  #isStopped = false;

  constructor(
    file: VerifiedFile,
    scheduler: Scheduler,
    providers: DigestProviders | undefined,
    listener: VerifierListener,
  ) {
    this.#file = file;
    this.#patience = new Patience(file.retryForMs);
    this.#scheduler = scheduler;
    this.#providers = providers;
    this.#listener = listener;
  }

  /** Whether nobody is left who could tell. */
  get hasNoMeans(): boolean {
    return this.#hasNoMeans;
  }

  /** Whether all that is acknowledged is verified, or cannot be. */
  get isSettled(): boolean {
    return this.#lanes.size === 0 && this.#queue.size === 0 && !this.#isStopped;
  }

  get verified(): Verified {
    const sums = { byDigest: 0, byReadBack: 0 };
    for (const { piece, how } of this.#verified.values()) {
      sums[how === 'read-back' ? 'byReadBack' : 'byDigest'] += piece.length;
    }
    return sums;
  }

  /** Pieces, ascending. */
  verifiedBy(method: How): Range[] {
    const pieces = [...this.#verified.values()].filter(({ how }) => how === method).map(({ piece }) => piece);
    return pieces.sort((a, b) => a.offset - b.offset);
  }

  isVerified({ offset, length }: Range): boolean {
    return this.#verified.get(offset)?.piece.length === length;
  }

  /** Bytes of these parts were acknowledged. */
  acknowledged(parts: readonly Range[]): void {
    const { size, pieceSize, file } = this.#file;
    for (const part of parts) {
      for (const piece of wholePieces([widened(part, size, pieceSize)], size, pieceSize)) {
        if (!this.#verified.has(piece.offset) && this.#scheduler.has(file, piece)) this.#queue.set(piece.offset, piece);
      }
    }
    this.#pump();
  }

  /** An earlier run had sent this, and it was compared. */
  resumed(piece: Range, how: How): void {
    if (this.#isDropped(how)) return;
    this.#queue.delete(piece.offset);
    this.#verified.set(piece.offset, { piece, how });
  }

  /** Some of what was acknowledged is not any more. */
  distrusted(): void {
    this.#epoch++;
    const isThere = (piece: Range): boolean => this.#scheduler.has(this.#file.file, piece);
    for (const [offset, { piece }] of this.#verified) if (!isThere(piece)) this.#verified.delete(offset);
    for (const [offset, piece] of this.#queue) if (!isThere(piece)) this.#queue.delete(offset);
  }

  /** Nothing more is compared, and what is under way has no effect. Resolves when it has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#lanes);
  }

  #pump(): void {
    if (this.#hasNoMeans) this.#queue.clear();
    while (!this.#isStopped && this.#lanes.size < LANES && this.#queue.size > 0) {
      const lane: Promise<void> = this.#runLane().finally(() => {
        this.#lanes.delete(lane);
        this.#pump();
        this.#listener.changed();
      });
      this.#lanes.add(lane);
    }
  }

  async #runLane(): Promise<void> {
    try {
      while (this.#queue.size > 0 && !this.#isStopped) await this.#verifyBatch();
    } catch (error) {
      if (!this.#isStopped) this.#listener.failed(CopyError.from(error));
      this.#isStopped = true;
    }
  }

  /** A connection that is lost takes no file with it: others answer. */
  async #verifyBatch(): Promise<void> {
    const batch = this.#takeBatch();
    try {
      await this.#verify(batch);
      this.#patience.progressed();
    } catch (error) {
      if (CopyError.from(error).scope !== 'connection' || this.#patience.hasEnded(performance.now())) throw error;
      this.acknowledged(batch);
    }
  }

  #takeBatch(): Range[] {
    const batch: Range[] = [];
    let bytes = 0;
    for (const piece of [...this.#queue.values()].sort((a, b) => a.offset - b.offset)) {
      if (batch.length > 0 && (bytes + piece.length > BATCH_BYTES || batch.length === MAX_BATCH)) break;
      batch.push(piece);
      bytes += piece.length;
      this.#queue.delete(piece.offset);
    }
    return batch;
  }

  async #verify(batch: readonly Range[]): Promise<void> {
    const epoch = this.#epoch;
    const compared = await this.#compare(batch);
    if (this.#isStopped) return;
    if (compared === undefined) {
      this.#hasNoMeans = true;
      this.#queue.clear();
      return;
    }
    for (const [index, piece] of batch.entries()) {
      // Dropped meanwhile, it is not believed in what it finds right either; nor what was there before a restart.
      if (this.#isDropped(compared.method) || epoch !== this.#epoch) this.acknowledged([piece]);
      else if (compared.same[index]) this.#verified.set(piece.offset, { piece, how: compared.method });
      else await this.#differs(piece, compared.method);
    }
  }

  async #compare(batch: readonly Range[]): Promise<{ readonly method: How; readonly same: boolean[] } | undefined> {
    if (this.#providers === undefined) {
      const same: boolean[] = [];
      for (const piece of batch) same.push(await isSameReadBack(this.#file, piece));
      return { method: 'read-back', same };
    }
    const compared = await compareDigests(this.#providers, this.#file, batch);
    return compared && { method: compared.method, same: [...compared.same] };
  }

  /** The word of a provider is not enough to send something again. */
  async #differs(piece: Range, how: How): Promise<void> {
    const epoch = this.#epoch;
    const isSame = how !== 'read-back' && (await isSameReadBack(this.#file, piece));
    if (epoch !== this.#epoch) return this.acknowledged([piece]);
    if (isSame) {
      this.#verified.set(piece.offset, { piece, how: 'read-back' });
      return this.#dropped(how);
    }
    if (this.#isStopped || !this.#scheduler.has(this.#file.file, piece)) return;
    const rewrites = (this.#rewrites.get(piece.offset) ?? 0) + 1;
    this.#rewrites.set(piece.offset, rewrites);
    if (rewrites > MAX_REWRITES) {
      throw new CopyError(
        'integrity',
        `${piece.length} bytes at ${piece.offset} are wrong on the server, however often they are sent.`,
      );
    }
    await this.#listener.wrong(piece);
  }

  #isDropped(how: How): boolean {
    return how !== 'read-back' && this.#providers?.inUse !== how;
  }

  /** What it found right before is asked of the next one. */
  #dropped(method: Compared['method']): void {
    this.#providers?.drop(method, 'it gave a wrong digest');
    const doubtful = this.verifiedBy(method);
    for (const { offset } of doubtful) this.#verified.delete(offset);
    this.acknowledged(doubtful);
  }
}

/** Out to the borders of its pieces. */
function widened({ offset, length }: Range, size: number, pieceSize: number): Range {
  const begin = Math.floor(offset / pieceSize) * pieceSize;
  const end = Math.min(size, Math.ceil((offset + length) / pieceSize) * pieceSize);
  return { offset: begin, length: end - begin };
}
