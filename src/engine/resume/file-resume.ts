/** What an earlier run left of one file job, and what this one leaves for the next: its journal, and the rules for it. */
import { CopyError } from '../../errors.ts';
import type { Attributes, RemoteConnection, Staged, StageToken } from '../../remotes/remote.ts';
import { textFromBytes } from '../../util/bytes-text.ts';
import type { RangeSet } from '../../util/range-set.ts';
import { wholePieces } from '../grid.ts';
import type { LocalSource } from '../local-source.ts';
import { Journal } from './journal.ts';
import { journalPath, type ServerIdentity } from './journal-place.ts';
import type { JournalHeader, KnownPiece } from './journal-records.ts';
import { digestRange } from './local-digest.ts';
import { differingSamples } from './sample-claims.ts';

/**
 * How much later than the journal last saw it a staged file may have been written: the run went on until it ended. What
 * changed it after that was somebody else.
 */
const GOES_ON_MS = 5 * 60_000;

/** Where the journals of a run are. */
export interface JournalShelf {
  readonly directory: string;
  readonly server: ServerIdentity;
  /** False: what earlier runs left is thrown away. */
  readonly resume: boolean;
  /** A journal cannot be written: told once a file. */
  readonly failed: (error: CopyError) => void;
}

/** A range that an earlier run says is on the server's disk, and what was in it. */
export type Claim = KnownPiece & { readonly digest: string };

export interface Reopened {
  readonly staged: Staged;
  readonly claims: readonly Claim[];
}

export class FileResume {
  readonly #shelf: JournalShelf;
  readonly #source: LocalSource;
  readonly #about: Pick<JournalHeader, 'direction' | 'sourcePath' | 'source' | 'targetPath'>;
  readonly #path: string;
  #journal: Journal | undefined;
  /** Pieces that the journal has, by their offset. */
  readonly #noted: Set<number> = new Set();
  /** Whether the journal is about the staged file of this run, and on the disk. */
  #isKept = false;

  private constructor(shelf: JournalShelf, source: LocalSource, sourcePath: Uint8Array, target: Uint8Array) {
    this.#shelf = shelf;
    this.#source = source;
    this.#about = {
      direction: 'upload',
      sourcePath: textFromBytes(sourcePath),
      source: source.identity,
      targetPath: textFromBytes(target),
    };
    this.#path = journalPath(shelf.directory, shelf.server, target);
  }

  /** @throws CopyError `journal-newer` */
  static async open(
    shelf: JournalShelf,
    source: LocalSource,
    sourcePath: Uint8Array,
    target: Uint8Array,
  ): Promise<FileResume> {
    const resume = new FileResume(shelf, source, sourcePath, target);
    resume.#journal = await Journal.open(resume.#path, resume.#failed);
    return resume;
  }

  /** Whether an earlier run staged something for this target: then it is ours, also where it is of no use. */
  get hasStaged(): boolean {
    return this.#journal !== undefined;
  }

  /** Bytes that the next run need not send. */
  get keptBytes(): number {
    if (!this.#isKept) return 0;
    return this.#claims().reduce((sum, { length }) => sum + length, 0);
  }

  /** Removes what an earlier run staged and this one cannot use, whatever its name. */
  async discard(remote: RemoteConnection): Promise<void> {
    if (this.#journal !== undefined) await remote.discard(this.#journal.header.token);
  }

  /** What an earlier run staged, if it is of this source and looks as it should; undefined: begin anew. */
  async reopen(remote: RemoteConnection): Promise<Reopened | undefined> {
    const journal = this.#journal;
    if (journal === undefined || !this.#shelf.resume || !this.#isAbout(journal.header)) return undefined;
    const claims = this.#claims();
    if (claims.length === 0) return undefined;
    const staged = await remote.reopen(journal.header.token);
    if (staged === undefined) return undefined;
    const right = this.#isAsLeft(staged.found, journal, claims) ? await this.#sampled(staged, claims) : [];
    if (right.length === 0) {
      await staged.close();
      return undefined;
    }
    for (const { offset } of right) this.#noted.add(offset);
    this.#isKept = true;
    return { staged, claims: right };
  }

  /** The claims that a look at a few bytes of each does not contradict; none where the server lets nobody read. */
  async #sampled(staged: Staged, claims: readonly Claim[]): Promise<Claim[]> {
    try {
      const differing = await differingSamples(staged, this.#source.fd, claims);
      for (const claim of claims) if (differing.has(claim.offset)) this.#journal?.forget(claim);
      await this.#journal?.flush();
      return claims.filter(({ offset }) => !differing.has(offset));
    } catch (error) {
      const failure = CopyError.from(error);
      if (failure.scope === 'connection' || failure.scope === 'run') throw failure;
      return [];
    }
  }

  /** A new staged file: nothing is known of it. The journal is on the disk before a byte is sent. */
  async begin(token: StageToken, pieceSize: number): Promise<void> {
    this.#noted.clear();
    await this.#journal?.close();
    this.#isKept = true;
    this.#journal = await Journal.create(this.#path, { ...this.#about, token, pieceSize }, this.#failed);
  }

  /** Whether the local file still has what was claimed. */
  async isRight({ offset, length, digest }: Claim): Promise<boolean> {
    if ((await digestRange(this.#source.fd, { offset, length })) === digest) return true;
    this.#journal?.forget({ offset, length });
    this.#noted.delete(offset);
    // Before anybody sends it: until then the journal would claim what is being written over.
    await this.#journal?.flush();
    return false;
  }

  readonly #failed = (error: CopyError): void => {
    this.#isKept = false;
    this.#shelf.failed(error);
  };

  /** The target is in its place: nothing is left to go on with. */
  async finish(): Promise<void> {
    await this.#journal?.finish();
    this.#journal = undefined;
  }

  async close(): Promise<void> {
    await this.#journal?.close();
  }

  /** Notes what the server has on its disk: whole pieces, each with its digest. Calls must not overlap. */
  async note(durable: RangeSet, { size, mtimeMs }: Attributes): Promise<void> {
    const journal = this.#journal;
    if (journal === undefined) return;
    const { pieceSize } = journal.header;
    for (const piece of wholePieces(durable, this.#source.size, pieceSize)) {
      if (this.#noted.has(piece.offset)) continue;
      journal.record(piece, 'durable', await digestRange(this.#source.fd, piece));
      this.#noted.add(piece.offset);
    }
    journal.sawStaged({ size, atMs: Date.now(), ...(mtimeMs !== undefined && { mtimeMs }) });
    await journal.flush();
  }

  #claims(): Claim[] {
    const known = this.#journal?.known ?? [];
    return known.filter((piece): piece is Claim => piece.state !== 'acknowledged' && piece.digest !== undefined);
  }

  #isAbout(header: JournalHeader): boolean {
    const { source } = header;
    const keys = Object.keys(this.#about.source) as (keyof typeof source)[];
    return (
      header.sourcePath === this.#about.sourcePath &&
      header.targetPath === this.#about.targetPath &&
      keys.every((key) => source[key] === this.#about.source[key])
    );
  }

  /** Neither shorter than what was on its disk, nor touched before or long after the run that wrote it. */
  #isAsLeft(found: Attributes | undefined, { staged }: Journal, claims: readonly Claim[]): boolean {
    if (found === undefined || staged === undefined || found.size > this.#source.size) return false;
    // They ascend, and are too many to be arguments.
    const last = claims.at(-1)!;
    if (found.size < Math.max(last.offset + last.length, staged.size)) return false;
    if (found.mtimeMs === undefined || staged.mtimeMs === undefined) return true;
    // A run that came as far as the end has given it the time of the source.
    if (found.mtimeMs === Math.floor(this.#source.mtimeMs / 1000) * 1000) return true;
    return found.mtimeMs >= staged.mtimeMs && found.mtimeMs <= staged.mtimeMs + GOES_ON_MS;
  }
}
