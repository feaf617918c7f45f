/**
 * The journal of one file: what earlier runs have recorded, what this run records for the next one, and the rules for
 * what may be concluded from the records.
 */
import type { CopyError } from '../../errors.ts';
import type { Attributes, Range, RemoteIdentity, StageToken } from '../../remotes/remote.ts';
import { bytesIn, RangeSet } from '../../util/range-set.ts';
import type { LocalDigests } from '../local/local-digests.ts';
import { Journal } from './journal.ts';
import { journalPath } from './journal-place.ts';
import type { DigestedPiece, JournalHeader } from './journal-records.ts';
import { NotedRanges, type Noting } from './noted-ranges.ts';
import type { Pace } from './pace.ts';

/**
 * How much later than the journal last saw it a staged file may have been written: the run continued until it ended. A
 * file that was changed after that was changed by somebody else.
 */
const MAX_LATER_MS = 5 * 60_000;

/**
 * The server may also have bytes that follow those in the journal, because the journal is written later: at most so
 * many.
 */
const LAG = 256 * 1024 * 1024;

/** After this much hashing, the journal is flushed, and the thread serves its connections. */
const TURN_MS = 50;

/** Where the journals of a run are, and how they are used. */
export interface JournalStore {
  readonly directory: string;
  /** Of the remote. */
  readonly identity: RemoteIdentity;
  /** This machine; see `machine-id.ts`. */
  readonly machine: string;
  /** See `boot-id.ts`. */
  readonly boot?: string | undefined;
  /** False: what earlier runs left is thrown away. */
  readonly resume: boolean;
  /** Between two looks at what another machine may be writing, in milliseconds. Default: 3000. */
  readonly lookAgainMs?: number;
  /** Called at most once for each file, when its journal cannot be written. */
  readonly onFailed: (error: CopyError) => void;
}

/** The file that a journal is about. */
export interface JournalSubject extends Pick<JournalHeader, 'direction' | 'sourcePath' | 'source' | 'targetPath'> {
  /** The path of the target, which with the server and the direction names the journal. */
  readonly target: Uint8Array;
  /** Bytes of the source. */
  readonly size: number;
  /** Of the source. */
  readonly mtimeMs: number;
  /** Digests of the local file. */
  readonly local: LocalDigests;
}

/** A range that an earlier run says is on the server's disk, and what was in it. */
export type Claim = DigestedPiece;

export class FileJournal {
  readonly #journals: JournalStore;
  readonly #subject: JournalSubject;
  readonly #path: string;
  #journal: Journal | undefined;
  /** What this run knows to be in the journal. */
  #noted: NotedRanges | undefined;
  /** The journal of an earlier run that is not continued. */
  #aside: Journal | undefined;
  /** The digests of the local file that are to be compared, by the offset of their range. */
  readonly #claimed: Map<number, string> = new Map();
  /** How often {@link forget} was called. */
  #forgotten = 0;
  /** Whether the journal is about the staged file of this run, and on the disk. */
  #isJournalled = false;
  /** What this run knows of the server; undefined: nothing yet. */
  #hasManyWriters: boolean | undefined;

  private constructor(journals: JournalStore, subject: JournalSubject) {
    this.#journals = journals;
    this.#subject = subject;
    const { directory, identity, machine } = journals;
    this.#path = journalPath(directory, identity, subject.target, machine, subject.direction);
  }

  /** @throws {CopyError} `journal-newer`: a newer version of this program wrote the journal */
  static async open(journals: JournalStore, subject: JournalSubject): Promise<FileJournal> {
    const file = new FileJournal(journals, subject);
    const journal = await Journal.open(file.#path, file.#onFailed);
    // A journal of another machine is not used, because a run there may still write to what it names.
    if (journal?.header.machine === journals.machine) file.#use(journal);
    else await journal?.close();
    return file;
  }

  /**
   * Whether what was written counts before it is synced: the journal is about a file of this machine, which was not
   * started again since the file was begun, and which has stored everything so far.
   */
  get countsWritten(): boolean {
    const { direction, boot } = this.#journal?.header ?? {};
    const isSameBoot = direction === 'download' && boot !== undefined && boot === this.#journals.boot;
    return isSameBoot && !this.wasSyncRefused;
  }

  /** What an earlier run on this machine staged for this target, even if it cannot be continued. */
  get staged(): StageToken | undefined {
    return this.#journal?.header.token;
  }

  /** Whether that was staged for the same source, and may be continued. */
  get mayContinue(): boolean {
    return this.#journals.resume && this.#journal !== undefined && this.#isAbout(this.#journal.header);
  }

  /** Whether the journal is about the staged file of this run, and on the disk. */
  get isJournalled(): boolean {
    return this.#isJournalled;
  }

  /** Whether a run has found out, on what the journal names, that many connections may write it. */
  get hasManyWriters(): boolean {
    return this.#journal?.hasMark('many-writers') ?? false;
  }

  /** Records whether many connections may write; on the disk after the next flush. */
  noteWriters(areMany: boolean): void {
    this.#hasManyWriters = areMany;
    if (this.#isJournalled) this.#journal?.setMark('many-writers', areMany);
  }

  /** Whether what is written could not be brought to the disk: then digests of it do not tell what is durable. */
  get wasSyncRefused(): boolean {
    return this.#journal?.hasMark('sync-refused') ?? false;
  }

  /** Records that what is written could not be brought to the disk; in the journal on the disk after the next flush. */
  noteSyncRefused(): void {
    this.#journal?.setMark('sync-refused', true);
  }

  /** Bytes that the next run need not send, if the staged file has `size` bytes. */
  keptWithin(size: number): number {
    if (!this.#isJournalled) return 0;
    const there = this.claims.filter(({ offset, length }) => offset + length <= size);
    return bytesIn(there);
  }

  /** What the journal says will not be lost, each with the digest of the local bytes. */
  get claims(): Claim[] {
    return this.#claimsWithin({ offset: 0, length: this.#subject.size });
  }

  /**
   * Ranges that the server may have: those in the journal, in any state, and what may follow them, within `written`.
   */
  near(written: Range): RangeSet {
    const near = new RangeSet();
    for (const { offset, length } of this.#journal?.known ?? []) near.add({ offset, length: length + LAG });
    for (const beyond of new RangeSet([written]).missingIn({ offset: 0, length: Number.MAX_SAFE_INTEGER }))
      near.remove(beyond);
    return near;
  }

  /**
   * Whether a staged file looks as its run left it: not shorter than its durable bytes, and not changed before or long
   * after the run.
   */
  isAsLeft(found: Attributes | undefined, claims: readonly Claim[]): boolean {
    const { size, mtimeMs } = this.#subject;
    const staged = this.#journal?.staged;
    if (found === undefined || staged === undefined || found.size > size) return false;
    // The claims ascend. They are too many to be passed as arguments.
    const last = claims.at(-1)!;
    if (found.size < Math.max(last.offset + last.length, staged.size)) return false;
    if (found.mtimeMs === undefined || staged.mtimeMs === undefined) return true;
    // A run that reached its end has given the staged file the time of the source.
    if (found.mtimeMs === Math.floor(mtimeMs / 1000) * 1000) return true;
    return found.mtimeMs >= staged.mtimeMs && found.mtimeMs <= staged.mtimeMs + MAX_LATER_MS;
  }

  /** The staged file that the journal names is continued, and digests of both sides show what is right. */
  continueByDigests(found: Attributes | undefined): void {
    this.#isJournalled = true;
    const { claims } = this;
    if (claims.length === 0 || !this.isAsLeft(found, claims)) return;
    for (const { offset, digest } of claims) this.#claimed.set(offset, digest);
  }

  /** The staged file that the journal names is continued, and only the journal shows what is right. */
  continueByJournal(claims: readonly Claim[]): void {
    for (const claim of claims) {
      this.#claimed.set(claim.offset, claim.digest);
      this.#noted?.add(claim, 'durable');
    }
    this.#isJournalled = true;
  }

  /** The claims are wrong, as samples of the staged file have shown. */
  async withdraw(claims: readonly Claim[]): Promise<void> {
    for (const claim of claims) this.#journal?.forget(claim);
    await this.#journal?.flush();
  }

  /**
   * What an earlier run left is not continued here. Its journal stays on the disk until another one takes its place, so
   * that what it names is not forgotten if this run is killed.
   */
  async setAside(): Promise<void> {
    this.#noted = undefined;
    this.#isJournalled = false;
    await this.#journal?.close();
    this.#aside = this.#journal;
    this.#journal = undefined;
  }

  /** This run has staged a file, and the journal is about it from now on. Resolves when that is on the disk. */
  async begin(token: StageToken, pieceSize: number): Promise<void> {
    await this.#journal?.close();
    this.#isJournalled = true;
    this.#use(await Journal.create(this.#path, { ...this.#about, token, pieceSize }, this.#onFailed));
    if (this.#hasManyWriters !== undefined) this.#journal?.setMark('many-writers', this.#hasManyWriters);
  }

  /** Whether the local file still has what the journal claims of a range. */
  async isRight(range: Range): Promise<boolean> {
    const here = await this.#subject.local.digest(range, 'sha256');
    if (this.#claimed.get(range.offset) === here.toString('hex')) return true;
    await this.forget([range]);
    return false;
  }

  /**
   * Judges ranges of which no digest of the server can tell: `right` are those that are durable by the journal and have
   * the same digest here, `wrong` is the rest. It takes time by what is asked for, not by what the journal has.
   */
  async stillNoted(ranges: readonly Range[]): Promise<{ readonly right: Range[]; readonly wrong: Range[] }> {
    const unknown = new RangeSet(ranges);
    const claims = [...unknown].flatMap((run) => this.#claimsWithin(run));
    const right: Range[] = [];
    for (const claim of claims) {
      if (!this.#claimed.has(claim.offset) || !unknown.has(claim) || !(await this.isRight(claim))) continue;
      right.push(claim);
      unknown.remove(claim);
    }
    return { right, wrong: [...unknown] };
  }

  /**
   * The ranges are missing or wrong on the server. Resolves when they may be written again: until then, the journal on
   * the disk may still claim them.
   */
  async forget(ranges: readonly Range[]): Promise<void> {
    this.#forgotten++;
    for (const range of ranges) {
      this.#journal?.forget(range);
      this.#noted?.forget(range);
    }
    if (ranges.length > 0) await this.#journal?.flush();
  }

  /** Records acknowledged ranges: where digests decide, the next run checks them first. */
  async noteAcknowledged(acknowledged: Iterable<Range>): Promise<void> {
    for (const range of acknowledged) this.#journal?.record(range, 'acknowledged');
    await this.#journal?.flush();
  }

  /**
   * Records which of the ranges that the journal has digests of will survive a crash of the system. The others are of no
   * use to another run.
   */
  async noteDurable(durable: Iterable<Range>): Promise<void> {
    for (const range of durable) {
      for (const { offset, length, state } of this.#journal?.digestedWithin(range) ?? [])
        if (state === 'acknowledged') this.#journal?.record({ offset, length }, 'durable');
    }
    await this.#journal?.flush();
  }

  /** Records what the staged file looked like right before a sync. It is on the disk after the next {@link note}. */
  sawStaged({ size, mtimeMs }: Attributes): void {
    this.#journal?.sawStaged({ size, atMs: Date.now(), ...(mtimeMs !== undefined && { mtimeMs }) });
  }

  /**
   * Records what {@link countsWritten}, as {@link note} does, with parts of pieces. Calls of both must not overlap.
   */
  noteWritten(written: RangeSet, pace: Pace): Promise<void> {
    return this.#note(written, pace, { parts: true }, 'acknowledged');
  }

  /**
   * Records what the server has on its disk: whole pieces, each with its digest, and whether that was verified; then,
   * with `parts`, parts of other pieces; as many as can be hashed at this pace. Calls must not overlap.
   */
  note(durable: RangeSet, pace: Pace, noting: Noting = {}): Promise<void> {
    return this.#note(durable, pace, noting);
  }

  /** `as`: the state to record; undefined: durable or verified. */
  async #note(kept: RangeSet, pace: Pace, noting: Noting, as?: 'acknowledged'): Promise<void> {
    const journal = this.#journal;
    if (journal === undefined) return;
    const { local } = this.#subject;
    const forgotten = this.#forgotten;
    let workedMs = 0;
    for (const { range, state, isPart } of this.#noted?.missingIn(kept, noting) ?? []) {
      const begun = performance.now();
      const digest = await (isPart ? local.digestOnce(range, 'sha256') : local.digest(range, 'sha256'));
      workedMs += performance.now() - begun;
      // The range may be among those that were forgotten. The others are recorded after the next sync.
      if (forgotten !== this.#forgotten) break;
      journal.record(range, as ?? state, digest.toString('hex'));
      this.#noted?.add(range, state);
      if (workedMs < TURN_MS) continue;
      await journal.flush();
      if (!(await pace(workedMs))) return;
      workedMs = 0;
    }
    await journal.flush();
  }

  /** The target is complete at its path: the journal is removed. */
  async finish(): Promise<void> {
    await (this.#journal ?? this.#aside)?.finish();
    this.#journal = undefined;
  }

  async close(): Promise<void> {
    await this.#journal?.close();
  }

  #use(journal: Journal): void {
    this.#journal = journal;
    this.#noted = new NotedRanges(this.#subject.size, journal.header.pieceSize);
  }

  /** Ascending and disjoint. */
  #claimsWithin(range: Range): Claim[] {
    const digested = this.#journal?.digestedWithin(range) ?? [];
    return this.countsWritten ? digested : digested.filter(({ state }) => state !== 'acknowledged');
  }

  readonly #onFailed = (error: CopyError): void => {
    this.#isJournalled = false;
    this.#journals.onFailed(error);
  };

  get #about(): Pick<JournalHeader, 'direction' | 'machine' | 'boot' | 'sourcePath' | 'source' | 'targetPath'> {
    const { direction, sourcePath, source, targetPath } = this.#subject;
    const { machine, boot } = this.#journals;
    return { direction, machine, boot, sourcePath, source, targetPath };
  }

  #isAbout({ direction, machine, sourcePath, targetPath, source }: JournalHeader): boolean {
    const about = this.#about;
    const keys = Object.keys(about.source) as (keyof typeof source)[];
    return (
      direction === about.direction &&
      machine === about.machine &&
      sourcePath === about.sourcePath &&
      targetPath === about.targetPath &&
      keys.every((key) => source[key] === about.source[key])
    );
  }
}
