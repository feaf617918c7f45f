/**
 * The journal of one target. It records on the local disk what is done of a file, so that another run can continue.
 *
 * After each {@link Journal.flush} the file claims nothing that is no longer true: lines only add to each other, and
 * where something was taken back, the file is written anew. A lost line costs time, and never leads to a wrong result.
 *
 * A journal is in one of these states: writing; failed, when the file could not be written (the journal then works in
 * memory alone); closed.
 */
import { CopyError } from '../../errors.ts';
import type { Range } from '../../remotes/remote.ts';
import { cleanText } from '../../util/clean-text.ts';
import { systemErrorText } from '../../util/system-error.ts';
import { JournalFile } from './journal-file.ts';
import {
  type DigestedPiece,
  headerLine,
  isDigest,
  isRangeWithin,
  type JournalHeader,
  type JournalMark,
  type JournalRecord,
  type KnownPiece,
  MAX_HEADER_LENGTH,
  type PieceState,
  recordLine,
  type StagedSeen,
} from './journal-records.ts';
import { KnownPieces } from './known-pieces.ts';
import { MAX_JOURNAL_SIZE, readJournal } from './read-journal.ts';

/** The most characters that wait for a flush. When there are more, the file is written anew from what is known. */
const MAX_BUFFER = 1024 * 1024;
const COMPACT_ABOVE = 1024 * 1024;
const COMPACT_FACTOR = 4;
/** A longer file is always compacted, because a run would not read it if it came near the limit. */
const COMPACT_ALWAYS_ABOVE = (MAX_JOURNAL_SIZE / 4) * 3;

/** Called once, when the journal cannot be written. From then on it works in memory alone, and the copy continues. */
export type JournalFailure = (error: CopyError) => void;

export class Journal {
  readonly header: JournalHeader;
  readonly #seed: string;
  readonly #pieces: KnownPieces;
  readonly #file: JournalFile;
  readonly #onFailure: JournalFailure;
  #staged: StagedSeen | undefined;
  readonly #marks: Set<JournalMark> = new Set();
  #buffer = '';
  #mustRewrite = false;
  /** Whether the file claims something that is no longer true. */
  #overclaims = false;
  #state: 'writing' | 'failed' | 'closed' = 'writing';
  #compactAbove = COMPACT_ABOVE;
  #last: Promise<void> = Promise.resolve();
  #queued: Promise<void> | undefined;

  private constructor(
    header: JournalHeader,
    pieces: KnownPieces,
    staged: StagedSeen | undefined,
    file: JournalFile,
    onFailure: JournalFailure,
  ) {
    this.header = header;
    this.#seed = headerLine(header).seed;
    this.#pieces = pieces;
    this.#staged = staged;
    this.#file = file;
    this.#onFailure = onFailure;
  }

  /**
   * Opens the journal at `path`; undefined: there is none that can be used. The caller compares its header with the
   * source and the target.
   * @throws {CopyError} `journal-newer`: a newer version of this program wrote the journal
   */
  static async open(path: string, onFailure: JournalFailure): Promise<Journal | undefined> {
    const read = await readJournal(path);
    if (read === undefined) return undefined;
    const { header, pieces, staged } = read.content;
    const journal = new Journal(header, pieces, staged, new JournalFile(path, read.found), onFailure);
    for (const mark of read.content.marks) journal.#marks.add(mark);
    // Our header would have another checksum, to which the lines in the file do not belong.
    if (journal.#seed !== read.content.seed) journal.#rewriteNext();
    return journal;
  }

  /** Creates a journal in the place of whatever is at `path`. Never rejects: see {@link JournalFailure}. */
  static async create(path: string, header: JournalHeader, onFailure: JournalFailure): Promise<Journal> {
    const journal = new Journal(header, new KnownPieces(), undefined, new JournalFile(path), onFailure);
    journal.#takeBack();
    await journal.flush();
    return journal;
  }

  get path(): string {
    return this.#file.path;
  }

  /** A copy of what is known, ascending and disjoint. Runs without a digest are merged. */
  get known(): readonly KnownPiece[] {
    return this.#pieces.list();
  }

  /**
   * The ranges with a digest that lie whole in `range`, each in the lowest state of its bytes; ascending and disjoint.
   */
  digestedWithin(range: Range): DigestedPiece[] {
    return this.#pieces.digestedWithin(range);
  }

  /** What the staged file looked like when it was last seen. */
  get staged(): StagedSeen | undefined {
    return this.#staged;
  }

  /**
   * Records that `range` is in `state`, unless it is in a higher one. `digest`: SHA-256 of the local bytes of exactly
   * this range; it is kept when later records raise the range without a digest.
   * @throws {CopyError} `bug`: the range is not in the file, or the digest is not one
   */
  record(range: Range, state: PieceState, digest?: string): void {
    const { offset, length } = range;
    if (!isRangeWithin(range, this.header.source.size) || (digest !== undefined && !isDigest(digest))) {
      throw new CopyError('bug', `A journal cannot hold ${length} bytes at ${offset}.`);
    }
    const effect = this.#pieces.record(range, state, digest);
    if (effect === 'other') this.#takeBack();
    const piece = { kind: 'piece', offset, length, state } as const;
    if (effect === 'more') this.#append(digest === undefined ? piece : { ...piece, digest });
  }

  /** What the staged file looked like when the server had synced it. */
  sawStaged(seen: StagedSeen): void {
    this.#staged = seen;
    this.#append({ kind: 'staged', ...seen });
  }

  hasMark(mark: JournalMark): boolean {
    return this.#marks.has(mark);
  }

  /** Records whether something holds for all of what is staged. */
  setMark(mark: JournalMark, holds: boolean): void {
    if (holds === this.#marks.has(mark)) return;
    if (holds) {
      this.#marks.add(mark);
      this.#append({ kind: mark });
    } else {
      this.#marks.delete(mark);
      this.#takeBack();
    }
  }

  /** The range is to be sent again. The caller flushes the journal before the range is overwritten. */
  forget(range: Range): void {
    if (this.#pieces.forget(range)) this.#takeBack();
  }

  /** Resolves when everything recorded so far is on the disk, or cannot be written. Never rejects. */
  flush(): Promise<void> {
    this.#queued ??= this.#last.then(() => {
      this.#queued = undefined;
      return this.#write();
    });
    this.#last = this.#queued;
    return this.#queued;
  }

  /** Flushes and closes; the file stays for another run. */
  async close(): Promise<void> {
    await this.flush();
    this.#state = 'closed';
    await this.#file.close().catch(() => {});
  }

  /** The copy is done: closes and removes the file. */
  async finish(): Promise<void> {
    const hadFailed = this.#state === 'failed';
    this.#state = 'closed';
    await this.#last;
    await this.#file.remove().catch((error: unknown) => {
      if (!hadFailed) this.#onFailure(this.#failure('removed', error));
    });
  }

  #append(record: JournalRecord): void {
    if (this.#mustRewrite || this.#state !== 'writing') return;
    this.#buffer += recordLine(record, this.#seed);
    if (this.#buffer.length > MAX_BUFFER) this.#rewriteNext();
  }

  #takeBack(): void {
    this.#overclaims = true;
    this.#rewriteNext();
  }

  #rewriteNext(): void {
    this.#mustRewrite = true;
    this.#buffer = '';
  }

  async #write(): Promise<void> {
    try {
      if (this.#state === 'writing') await this.#writeOut();
    } catch (error) {
      this.#buffer = '';
      if (this.#state === 'writing') {
        this.#state = 'failed';
        this.#onFailure(this.#failure('written', error));
      }
    }
    // The next run must not believe claims that cannot be corrected.
    if (this.#state !== 'failed' || !this.#overclaims) return;
    this.#overclaims = false;
    await this.#file.remove().catch(() => {});
  }

  async #writeOut(): Promise<void> {
    const lines = this.#buffer;
    this.#buffer = '';
    // Something may be taken back during the append: then the file is written anew right after it.
    if (!this.#mustRewrite && lines !== '' && !(await this.#file.append(lines))) this.#mustRewrite = true;
    if (!this.#mustRewrite && this.#file.size > this.#compactAbove) this.#mustRewrite = this.#isMostlyWaste();
    if (this.#mustRewrite) await this.#rewrite();
  }

  async #rewrite(): Promise<void> {
    // Records that come while the file is written are appended afterwards.
    const lines = this.#lines();
    const overclaimed = this.#overclaims;
    this.#buffer = '';
    this.#mustRewrite = false;
    this.#overclaims = false;
    try {
      await this.#file.replace(lines);
    } catch (error) {
      this.#overclaims ||= overclaimed;
      throw error;
    }
  }

  #isMostlyWaste(): boolean {
    let needed = 0;
    for (const line of this.#lines()) needed += Buffer.byteLength(line);
    this.#compactAbove = Math.min(COMPACT_ALWAYS_ABOVE, Math.max(COMPACT_ABOVE, COMPACT_FACTOR * needed));
    return this.#file.size > this.#compactAbove;
  }

  /** Everything that is known now, as the lines of a journal. */
  #lines(): Iterable<string> {
    const { line } = headerLine(this.header);
    if (Buffer.byteLength(line) > MAX_HEADER_LENGTH) throw new Error('The paths are too long');
    const staged: JournalRecord[] = this.#staged === undefined ? [] : [{ kind: 'staged', ...this.#staged }];
    const marks: JournalRecord[] = [...this.#marks].map((kind) => ({ kind }));
    return linesOf(line, this.#seed, [...marks, ...staged, ...this.#pieces.rows().map(toRecord)]);
  }

  #failure(what: string, error: unknown): CopyError {
    const text = `The journal ${cleanText(this.path)} cannot be ${what}: ${systemErrorText(error)}.`;
    const advice = 'The copy goes on; if it is interrupted, more may have to be sent again.';
    return new CopyError('local-io', text, { cause: error, advice });
  }
}

function toRecord(piece: KnownPiece): JournalRecord {
  return { kind: 'piece', ...piece };
}

function* linesOf(header: string, seed: string, records: readonly JournalRecord[]): Generator<string> {
  yield header;
  for (const record of records) yield recordLine(record, seed);
}
