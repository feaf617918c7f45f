/**
 * The journal of one target. It records on the local disk what is done of a file, so that another run can continue.
 *
 * After each {@link Journal.flush} the file claims nothing that is no longer true: lines only add to each other, and
 * where something was taken back, the file is written anew. A lost line costs time, and never leads to a wrong result.
 * Where the file cannot be written, the journal works in memory alone.
 */
import { CopyError } from '../../errors.ts';
import type { Range } from '../../remotes/remote.ts';
import { JournalFile } from './journal-file.ts';
import {
  type DigestedPiece,
  type HeaderLine,
  headerLine,
  isDigest,
  isRangeWithin,
  type JournalHeader,
  type JournalMark,
  type JournalRecord,
  type KnownPiece,
  type PieceState,
  type StagedSeen,
} from './journal-records.ts';
import { type JournalFailure, JournalWriter } from './journal-writer.ts';
import { KnownPieces } from './known-pieces.ts';
import { type JournalContent, readJournal } from './read-journal.ts';

export class Journal {
  readonly header: JournalHeader;
  readonly #pieces: KnownPieces;
  #staged: StagedSeen | undefined;
  readonly #marks: Set<JournalMark>;
  readonly #writer: JournalWriter;

  private constructor(
    { header, pieces, staged, marks }: Omit<JournalContent, 'seed'>,
    line: HeaderLine,
    file: JournalFile,
    onFailure: JournalFailure,
  ) {
    this.header = header;
    this.#pieces = pieces;
    this.#staged = staged;
    this.#marks = new Set(marks);
    this.#writer = new JournalWriter(file, line, () => this.#records(), onFailure);
  }

  /**
   * Opens the journal at `path`; undefined: there is none that can be used. The caller compares its header with the
   * source and the target.
   * @throws {CopyError} `journal-newer`: a newer version of this program wrote the journal
   */
  static async open(path: string, onFailure: JournalFailure): Promise<Journal | undefined> {
    const read = await readJournal(path);
    if (read === undefined) return undefined;
    const line = headerLine(read.content.header);
    const journal = new Journal(read.content, line, new JournalFile(path, read.found), onFailure);
    // Our header would have another checksum, to which the lines in the file do not belong.
    if (line.seed !== read.content.seed) journal.#writer.rewriteNext();
    return journal;
  }

  /** Creates a journal in the place of whatever is at `path`. Never rejects: see {@link JournalFailure}. */
  static async create(path: string, header: JournalHeader, onFailure: JournalFailure): Promise<Journal> {
    const known = { header, pieces: new KnownPieces(), staged: undefined, marks: new Set<JournalMark>() };
    const journal = new Journal(known, headerLine(header), new JournalFile(path), onFailure);
    journal.#writer.takeBack();
    await journal.flush();
    return journal;
  }

  get path(): string {
    return this.#writer.path;
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
    if (effect === 'other') this.#writer.takeBack();
    const piece = { kind: 'piece', offset, length, state } as const;
    if (effect === 'more') this.#writer.append(digest === undefined ? piece : { ...piece, digest });
  }

  /** What the staged file looked like when the server had synced it. */
  sawStaged(seen: StagedSeen): void {
    this.#staged = seen;
    this.#writer.append({ kind: 'staged', ...seen });
  }

  hasMark(mark: JournalMark): boolean {
    return this.#marks.has(mark);
  }

  /** Records whether something holds for all of what is staged. */
  setMark(mark: JournalMark, holds: boolean): void {
    if (holds === this.#marks.has(mark)) return;
    if (holds) {
      this.#marks.add(mark);
      this.#writer.append({ kind: mark });
    } else {
      this.#marks.delete(mark);
      this.#writer.takeBack();
    }
  }

  /** The range is to be sent again. The caller flushes the journal before the range is overwritten. */
  forget(range: Range): void {
    if (this.#pieces.forget(range)) this.#writer.takeBack();
  }

  /** Resolves when everything recorded so far is on the disk, or cannot be written. Never rejects. */
  flush(): Promise<void> {
    return this.#writer.flush();
  }

  /** Flushes and closes; the file stays for another run. */
  close(): Promise<void> {
    return this.#writer.close();
  }

  /** The copy is done: closes and removes the file. */
  finish(): Promise<void> {
    return this.#writer.remove();
  }

  /** Everything that is known now. */
  #records(): JournalRecord[] {
    const staged: JournalRecord[] = this.#staged === undefined ? [] : [{ kind: 'staged', ...this.#staged }];
    const marks: JournalRecord[] = [...this.#marks].map((kind) => ({ kind }));
    return [...marks, ...staged, ...this.#pieces.rows().map(toRecord)];
  }
}

function toRecord(piece: KnownPiece): JournalRecord {
  return { kind: 'piece', ...piece };
}
