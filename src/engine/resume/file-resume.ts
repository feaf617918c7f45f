/** What an earlier run left of one file job, and what this one leaves for the next: its journal, and the rules for it. */
import { CopyError } from '../../errors.ts';
import type { Attributes, Range, RemoteConnection, RemoteIdentity, Staged, StageToken } from '../../remotes/remote.ts';
import { textFromBytes } from '../../util/bytes-text.ts';
import { RangeSet } from '../../util/range-set.ts';
import type { LocalSource } from '../local/local-source.ts';
import type { LocalDigests } from '../verify/local-digests.ts';
import { Journal } from './journal.ts';
import { journalPath } from './journal-place.ts';
import type { DigestedPiece, JournalHeader } from './journal-records.ts';
import { NotedRanges, type Noting } from './noted-ranges.ts';
import type { Pace } from './pace.ts';
import { differingSamples } from './sample-claims.ts';

/**
 * How much later than the journal last saw it a staged file may have been written: the run went on until it ended. What
 * changed it after that was somebody else.
 */
const GOES_ON_MS = 5 * 60_000;

/** A journal lags behind: so much after what it knows may be there too. */
const LAG = 256 * 1024 * 1024;

/** After so much hashing what was hashed is written down, and others have their turn. */
const TURN_MS = 50;

/** Where the journals of a run are. */
export interface JournalStore {
  readonly directory: string;
  /** Of the remote. */
  readonly identity: RemoteIdentity;
  /** This machine; see `machine-id.ts`. */
  readonly machine: string;
  /** False: what earlier runs left is thrown away. */
  readonly resume: boolean;
  /** Between two looks at what another machine may be writing, in milliseconds. Default: 3000. */
  readonly lookAgainMs?: number;
  /** A journal cannot be written: told once a file. */
  readonly failed: (error: CopyError) => void;
}

/** A range that an earlier run says is on the server's disk, and what was in it. */
export type Claim = DigestedPiece;

export interface Reopened {
  readonly staged: Staged;
  /** Ascending and disjoint. */
  readonly claims: readonly Range[];
  /** By what they are to be judged: digests of both sides, or those that the journal has of the local file. */
  readonly by: 'digests' | 'journal';
  /** Whether the journal is about what is staged; else it is a copy, of which no journal tells yet. */
  readonly isOurs: boolean;
}

/** Whether the server can be made to hash what is staged, so that the digests decide. */
export type CanCompare = (staged: Staged, claims: readonly Range[]) => Promise<boolean>;

export class FileResume {
  readonly #journals: JournalStore;
  readonly #source: LocalSource;
  readonly #about: Pick<JournalHeader, 'direction' | 'machine' | 'sourcePath' | 'source' | 'targetPath'>;
  readonly #path: string;
  readonly #local: LocalDigests;
  #journal: Journal | undefined;
  /** That of an earlier run, of which nothing is continued. */
  #aside: Journal | undefined;
  /** What this run knows to be in the journal. */
  #noted: NotedRanges | undefined;
  /** What the journal has of the local file, by offset, where that is to be compared. */
  readonly #claimed: Map<number, string> = new Map();
  /** How often something was taken back. */
  #forgotten = 0;
  /** Whether the journal is about the staged file of this run, and on the disk. */
  #isKept = false;

  private constructor(
    journals: JournalStore,
    source: LocalSource,
    local: LocalDigests,
    sourcePath: Uint8Array,
    target: Uint8Array,
  ) {
    this.#journals = journals;
    this.#local = local;
    this.#source = source;
    this.#about = {
      direction: 'upload',
      machine: journals.machine,
      sourcePath: textFromBytes(sourcePath),
      source: source.identity,
      targetPath: textFromBytes(target),
    };
    this.#path = journalPath(journals.directory, journals.identity, target, journals.machine);
  }

  /** @throws CopyError `journal-newer` */
  static async open(
    journals: JournalStore,
    source: LocalSource,
    local: LocalDigests,
    sourcePath: Uint8Array,
    target: Uint8Array,
  ): Promise<FileResume> {
    const resume = new FileResume(journals, source, local, sourcePath, target);
    const journal = await Journal.open(resume.#path, resume.#failed);
    // That of another machine counts as none, as its run may still write what it staged.
    if (journal?.header.machine === journals.machine) resume.#use(journal);
    else await journal?.close();
    return resume;
  }

  /** What an earlier run on this machine staged for this target, also where it is of no use. */
  get staged(): StageToken | undefined {
    return this.#journal?.header.token;
  }

  /** Whether that was staged for the same source, and may be continued. */
  get mayContinue(): boolean {
    return this.#journals.resume && this.#journal !== undefined && this.#isAbout(this.#journal.header);
  }

  /** Whether the journal is about the staged file of this run, and on the disk. */
  get isJournalled(): boolean {
    return this.#isKept;
  }

  /** Bytes that the next run need not send, if the staged file has `size` bytes. */
  keptWithin(size: number): number {
    if (!this.#isKept) return 0;
    const there = this.#claims().filter(({ offset, length }) => offset + length <= size);
    return there.reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * What an earlier run on this machine staged, if it may be continued; undefined: begin anew. Without `canCompare` nobody
   * can tell what is in it but our journal.
   */
  async reopen(remote: RemoteConnection, canCompare?: CanCompare): Promise<Reopened | undefined> {
    const journal = this.mayContinue ? this.#journal : undefined;
    if (journal === undefined) return undefined;
    const compared = canCompare && (await this.#reopenOurs(remote, journal, canCompare));
    return compared ?? (await this.#reopenAsNoted(remote, journal));
  }

  /** A copy of what others staged: all of it is to be compared. */
  async adopt(remote: RemoteConnection, token: StageToken, canCompare: CanCompare): Promise<Reopened | undefined> {
    const staged = await remote.reopen(token);
    if (staged === undefined) return undefined;
    const written = this.#written(staged);
    if (!(await this.#isComparable(staged, [written], canCompare))) return undefined;
    return { staged, claims: [written], by: 'digests', isOurs: false };
  }

  /** The digests decide: what the journal says only tells where to look first. */
  async #reopenOurs(remote: RemoteConnection, journal: Journal, canCompare: CanCompare): Promise<Reopened | undefined> {
    const staged = await remote.reopen(journal.header.token);
    if (staged === undefined) return undefined;
    const claims = [...nearWhatIsKnown(journal, this.#written(staged))];
    if (!(await this.#isComparable(staged, claims, canCompare))) return undefined;
    this.#isKept = true;
    const noted = this.#claims();
    if (noted.length > 0 && this.#isAsLeft(staged.found, journal, noted)) {
      for (const { offset, digest } of noted) this.#claimed.set(offset, digest);
    }
    return { staged, claims, by: 'digests', isOurs: true };
  }

  #written({ found }: Staged): Range {
    return { offset: 0, length: Math.min(found?.size ?? 0, this.#source.size) };
  }

  /** Whether digests can tell what is right of `claims`; where they cannot, `staged` is closed. */
  async #isComparable(staged: Staged, claims: readonly Range[], canCompare: CanCompare): Promise<boolean> {
    const isEmpty = claims.every(({ length }) => length === 0);
    // What is beyond the end would spoil the digest of the last piece.
    await staged.cutOff(this.#source.size);
    if (!isEmpty && (await canCompareOrClosed(staged, claims, canCompare))) return true;
    await staged.close();
    return false;
  }

  /** Nobody can hash: what is durable by our journal, if it is of this source and looks as it should. */
  async #reopenAsNoted(remote: RemoteConnection, journal: Journal): Promise<Reopened | undefined> {
    const claims = this.#claims();
    if (claims.length === 0) return undefined;
    const staged = await remote.reopen(journal.header.token);
    if (staged === undefined) return undefined;
    const right = this.#isAsLeft(staged.found, journal, claims) ? await this.#sampled(staged, claims) : [];
    if (right.length === 0) {
      await staged.close();
      return undefined;
    }
    for (const claim of right) {
      this.#claimed.set(claim.offset, claim.digest);
      this.#noted?.add(claim, 'durable');
    }
    this.#isKept = true;
    return { staged, claims: right, by: 'journal', isOurs: true };
  }

  /** The claims that a look at a few bytes of each does not contradict; none where the server lets nobody read. */
  async #sampled(staged: Staged, claims: readonly Claim[]): Promise<Claim[]> {
    try {
      const differing = await differingSamples(
        (slices, drain) => staged.readBack(slices, drain),
        this.#source.fd,
        claims,
      );
      for (const claim of claims) if (differing.has(claim.offset)) this.#journal?.forget(claim);
      await this.#journal?.flush();
      return claims.filter(({ offset }) => !differing.has(offset));
    } catch (error) {
      const failure = CopyError.from(error);
      if (failure.scope === 'connection' || failure.scope === 'run') throw failure;
      return [];
    }
  }

  /**
   * What an earlier run left is not continued here. Its journal stays on the disk until another one takes its place, so that
   * what it names is not forgotten if this run is killed.
   */
  async setAside(): Promise<void> {
    this.#noted = undefined;
    this.#isKept = false;
    await this.#journal?.close();
    this.#aside = this.#journal;
    this.#journal = undefined;
  }

  /** What is staged is ours, and nothing is known of it yet. Resolves when the next run will know that too. */
  async begin(token: StageToken, pieceSize: number): Promise<void> {
    await this.#journal?.close();
    this.#isKept = true;
    this.#use(await Journal.create(this.#path, { ...this.#about, token, pieceSize }, this.#failed));
  }

  #use(journal: Journal): void {
    this.#journal = journal;
    this.#noted = new NotedRanges(this.#source.size, journal.header.pieceSize);
  }

  /** Whether the local file still has what the journal claims of a range. */
  async isRight(range: Range): Promise<boolean> {
    const here = await this.#local.digest(range, 'sha256');
    if (this.#claimed.get(range.offset) === here.toString('hex')) return true;
    await this.forget([range]);
    return false;
  }

  /**
   * Judges ranges of which no digest of the server can tell: `right` are those that are durable by the journal and have the
   * same digest here, `wrong` is the rest. It takes time by what is asked for, not by what the journal has.
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

  /** What is not there, or wrong. Resolves when it may be written: until then the journal would claim it. */
  async forget(ranges: readonly Range[]): Promise<void> {
    this.#forgotten++;
    for (const range of ranges) {
      this.#journal?.forget(range);
      this.#noted?.forget(range);
    }
    if (ranges.length > 0) await this.#journal?.flush();
  }

  /** What the server said OK to: where digests decide, the next run looks there first. */
  async noteAcknowledged(acknowledged: Iterable<Range>): Promise<void> {
    for (const range of acknowledged) this.#journal?.record(range, 'acknowledged');
    await this.#journal?.flush();
  }

  readonly #failed = (error: CopyError): void => {
    this.#isKept = false;
    this.#journals.failed(error);
  };

  /** The target is in its place: nothing is left to go on with. */
  async finish(): Promise<void> {
    await (this.#journal ?? this.#aside)?.finish();
    this.#journal = undefined;
  }

  async close(): Promise<void> {
    await this.#journal?.close();
  }

  /** What the staged file looked like right before a sync; on the disk with what is noted next. */
  sawStaged({ size, mtimeMs }: Attributes): void {
    this.#journal?.sawStaged({ size, atMs: Date.now(), ...(mtimeMs !== undefined && { mtimeMs }) });
  }

  /**
   * Records what the server has on its disk: whole pieces, each with its digest, and whether that was verified; then, with
   * `parts`, parts of other pieces; as many as can be hashed at this pace. Calls must not overlap.
   */
  async note(durable: RangeSet, pace: Pace, noting: Noting = {}): Promise<void> {
    const journal = this.#journal;
    if (journal === undefined) return;
    const forgotten = this.#forgotten;
    let workedMs = 0;
    for (const { range, state, isPart } of this.#noted?.missingIn(durable, noting) ?? []) {
      const begun = performance.now();
      const digest = await (isPart ? this.#local.digestOnce(range, 'sha256') : this.#local.digest(range, 'sha256'));
      workedMs += performance.now() - begun;
      // The range may be among those that were forgotten. The others are recorded after the next sync.
      if (forgotten !== this.#forgotten) break;
      journal.record(range, state, digest.toString('hex'));
      this.#noted?.add(range, state);
      if (workedMs < TURN_MS) continue;
      await journal.flush();
      if (!(await pace(workedMs))) return;
      workedMs = 0;
    }
    await journal.flush();
  }

  #claims(): Claim[] {
    return this.#claimsWithin({ offset: 0, length: this.#source.size });
  }

  /** Ascending and disjoint. */
  #claimsWithin(range: Range): Claim[] {
    const digested = this.#journal?.digestedWithin(range) ?? [];
    return digested.filter(({ state }) => state !== 'acknowledged');
  }

  #isAbout(header: JournalHeader): boolean {
    const { source } = header;
    const keys = Object.keys(this.#about.source) as (keyof typeof source)[];
    return (
      header.machine === this.#about.machine &&
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

/** What a journal knows, in any state, and what may have come after it, as far as anything is written. */
function nearWhatIsKnown(journal: Journal, written: Range): RangeSet {
  const near = new RangeSet();
  for (const { offset, length } of journal.known) near.add({ offset, length: length + LAG });
  for (const beyond of new RangeSet([written]).missingIn({ offset: 0, length: Number.MAX_SAFE_INTEGER }))
    near.remove(beyond);
  return near;
}

/** What fails for the sake of the connection is tried on another: this one is given up first. */
async function canCompareOrClosed(staged: Staged, claims: readonly Range[], canCompare: CanCompare): Promise<boolean> {
  try {
    return await canCompare(staged, claims);
  } catch (error) {
    await staged.close().catch(() => {});
    throw error;
  }
}
