/**
 * What earlier runs left of one file of an upload, and what this one leaves: it is found, checked while the rest is sent,
 * and noted as it becomes more.
 */
import { CopyError } from '../../errors.ts';
import type { Attributes, Range, RemoteConnection, StageToken } from '../../remotes/remote.ts';
import type { LocalSource } from '../local/local-source.ts';
import { type CanCompare, FileResume, type Reopened } from '../resume/file-resume.ts';
import { leisurely, type Pace, withinMs } from '../resume/pace.ts';
import { choosePieceSize, isPiece, pieceCount, UNLIMITED_PIECES, wholePieces } from '../schedule/grid.ts';
import { ForeignStages, type SearchingJob } from '../upload/stages/foreign-stages.ts';
import type { UploadContext } from '../upload/upload-context.ts';
import { checkClaims, type Judged } from '../verify/claim-check.ts';
import { type DigestBack, digestBack } from '../verify/digest-back.ts';
import { longTrialRanges } from '../verify/digest-comparison.ts';
import type { JobVerification } from './job-verification.ts';

/** How often the journal is told what was acknowledged. */
const NOTE_EVERY_MS = 1000;

/** How long a run that failed still hashes for its journal. */
const KEEP_MS = 2000;

/** Nobody is interested any more. */
/** What is sent within this time is as quickly sent again as it is hashed. */
const WORTHWHILE_MS = 2000;

const STOPPED = new Error('The file is not being sent.');

/** The file job. */
export interface ResumedJob extends SearchingJob {
  readonly file: number;
  readonly source: LocalSource;
  readonly verification: Pick<JobVerification, 'hashing' | 'local' | 'sides' | 'verifier'>;
  readonly path: Uint8Array;
  readonly target: Uint8Array;
  readonly isSending: boolean;
  /** When it will have been sent, as far as can be told; in milliseconds from now. */
  readonly msLeft: number;
  /** It may be complete now. */
  changed(): void;
}

export class JobResume {
  readonly #run: UploadContext;
  readonly #job: ResumedJob;
  readonly #resume: FileResume;
  #pieceSize = 0;
  #bytesResumed = 0;
  #lastNotedMs = 0;
  /** Claims of an earlier run that are being checked; never rejects. */
  #checking: Promise<void> | undefined;
  /** What is durable is being written down; never rejects. */
  #noting: Promise<void> | undefined;
  /** Since the last note was begun. */
  #isMoreDurable = false;
  readonly #foreign: ForeignStages;
  /** What others staged is being considered; never rejects. */
  #considering: Promise<void> | undefined;
  /** What an earlier run on this machine staged of another source. */
  #outdated: StageToken | undefined;
  #ending: AbortController = new AbortController();

  private constructor(run: UploadContext, job: ResumedJob, resume: FileResume) {
    this.#run = run;
    this.#job = job;
    this.#resume = resume;
    const { source, target } = job;
    const { lookAgainMs } = run.options.journals ?? {};
    this.#foreign = new ForeignStages(run, { target, fd: source.fd, size: source.size, lookAgainMs }, job);
  }

  /**
   * Undefined for what is not worth it: a file of one piece is sent as quickly as it is looked at, and the target itself
   * has nothing apart to go on with.
   * @throws CopyError `journal-newer`
   */
  static async open(run: UploadContext, job: ResumedJob): Promise<JobResume | undefined> {
    const { journals, inplace, pieceSize } = run.options;
    const { source, verification, path, target } = job;
    if (journals === undefined || inplace) return undefined;
    if (pieceCount(source.size, choosePieceSize(source.size, UNLIMITED_PIECES, pieceSize)) <= 1) return undefined;
    return new JobResume(run, job, await FileResume.open(journals, source, verification.local, path, target));
  }

  /** Bytes that an earlier run had sent, and that are still right. */
  get bytesResumed(): number {
    return this.#bytesResumed;
  }

  /** Whether another run will find the staged file in its journal. */
  get isJournalled(): boolean {
    return this.#resume.isJournalled;
  }

  /** See {@link FileResume.keptWithin}. */
  keptWithin(size: number): number {
    return this.#resume.keptWithin(size);
  }

  /** See {@link ForeignStages.hasEndedRun}. */
  get isEndedByForeign(): boolean {
    return this.#foreign.hasEndedRun;
  }

  /** Whether the next run will know from our journal what is staged. */
  get hasJournal(): boolean {
    return this.#resume.staged !== undefined;
  }

  /** What an earlier run left, opened; where the server can hash it, that decides. */
  async reopen(remote: RemoteConnection): Promise<Reopened | undefined> {
    // Nothing waits where there is nothing to continue with.
    if (!this.#resume.mayContinue) return undefined;
    const canCompare = (await this.#run.digests.isAvailable()) ? this.#canCompare(remote) : undefined;
    return this.#resume.reopen(remote, canCompare);
  }

  /** What {@link ResumedJob.moveTo} was told; undefined where it is gone, or nobody can tell what is in it. */
  async adopt(remote: RemoteConnection, token: StageToken): Promise<Reopened | undefined> {
    const adopted = await this.#resume.adopt(remote, token, this.#canCompare(remote));
    if (adopted === undefined) await this.#foreign.dismiss(token);
    return adopted;
  }

  /**
   * What an earlier run on this machine staged, and this one does not continue, is removed, unless the server may still copy
   * from it.
   */
  async discardOwn(remote: RemoteConnection): Promise<void> {
    const { staged, mayContinue } = this.#resume;
    if (staged === undefined) return;
    // It is removed as soon as the server has copied what is of use.
    if (!mayContinue && (await this.#mayCopy())) this.#outdated = staged;
    else await remote.discard(staged);
  }

  /** See {@link ForeignStages.clear}. */
  clearForeign(own: StageToken): Promise<void> {
    // What was under way before this file was staged has been ended.
    this.#ending = new AbortController();
    return this.#foreign.clear(own, this.#ending.signal);
  }

  /** The file is staged, with what was reopened, if anything. The journal is on the disk before a byte is sent. */
  async begin(token: StageToken, pieceSize: number, reopened: Reopened | undefined): Promise<void> {
    this.#pieceSize = pieceSize;
    this.#bytesResumed = 0;
    this.#isMoreDurable = false;
    this.#ending = new AbortController();
    if (reopened?.isOurs) return;
    // Until it is known whether it will be continued in a copy of something else, no journal tells of it.
    if (reopened === undefined && !this.#foreign.isConsidered) await this.#resume.setAside();
    else await this.#resume.begin(token, pieceSize);
  }

  /** See {@link ForeignStages.consider}. `isEmpty`: nothing of an earlier run is continued. */
  considerForeign(own: StageToken, isEmpty: boolean): void {
    this.#considering = this.#foreign.consider({
      own,
      outdated: this.#outdated,
      isEmpty,
      minLength: this.#pieceSize,
      mayCopy: () => this.#mayCopy(),
      keepOwn: () => this.#resume.begin(own, this.#pieceSize),
      signal: this.#ending.signal,
    });
  }

  /** What an earlier run sent is not sent again, if it is still right. */
  check(reopened: Reopened): void {
    this.#checking = this.#check(reopened);
  }

  /** Whether the server can be asked what it still has of what it said OK to. */
  get canRecheck(): boolean {
    const { digests, options } = this.#run;
    return options.verify !== 'size' && options.verify !== 'none' && digests.inUse !== undefined;
  }

  /**
   * What this run sent is not sent again, if it is still there. The ranges must be withdrawn. `tellWrong` is called with the
   * number of bytes that are sent again, if there are any.
   */
  recheck(ranges: readonly Range[], tellWrong: (bytes: number) => void): void {
    let wrongBytes = 0;
    const checked = this.#checked(async () => {
      await this.#compare(ranges, async (judged) => {
        wrongBytes += bytesIn(await this.#settle(judged, () => {}));
      });
      if (wrongBytes > 0) tellWrong(wrongBytes);
    });
    this.#checking = Promise.all([this.#checking, checked]).then(() => {});
  }

  /** See {@link FileResume.forget}. */
  forget(ranges: readonly Range[]): Promise<void> {
    return this.#resume.forget(ranges);
  }

  /** What is durable is written down, so that it outlives this process. */
  synced(seen: Attributes): void {
    // At once: what changed long after the journal last saw it was changed by somebody else.
    this.#resume.sawStaged(seen);
    this.#isMoreDurable = true;
    this.#noting ??= this.#noteAll().finally(() => {
      this.#noting = undefined;
    });
  }

  /** To be called now and then. */
  noteAcknowledged(nowMs: number): void {
    if (nowMs - this.#lastNotedMs < NOTE_EVERY_MS) return;
    this.#lastNotedMs = nowMs;
    void this.#resume.noteAcknowledged(this.#run.scheduler.acknowledgedRanges(this.#job.file));
  }

  /** Resolves when nothing is under way; what is not noted by then is not going to be. */
  async settled(): Promise<void> {
    this.#ending.abort();
    await this.#considering;
    await this.#checking;
    await this.#noting;
  }

  /** After a failure. `seen`: what the staged file looked like right before its last sync, if one succeeded. */
  async keep(seen: Attributes | undefined): Promise<void> {
    await this.settled();
    // Also where nothing can be made durable, as on a full disk: where digests decide, the next run looks at it.
    await this.#resume.noteAcknowledged(this.#run.scheduler.acknowledgedRanges(this.#job.file));
    if (seen !== undefined) {
      this.#resume.sawStaged(seen);
      await this.#note(withinMs(KEEP_MS));
    }
    await this.#resume.close();
  }

  /** The target is in its place, or what is staged is worth nothing. */
  finish(): Promise<void> {
    return this.#resume.finish();
  }

  /** See {@link ForeignStages.removeSuperseded}. */
  async removeSuperseded(): Promise<void> {
    await this.#foreign.removeSuperseded();
  }

  #canCompare(remote: RemoteConnection): CanCompare {
    const { digests, options } = this.#run;
    const { fd, size } = this.#job.source;
    const pieceSize = choosePieceSize(size, remote.abilities.pieceSize, options.pieceSize);
    return async (staged, claims) => {
      const pieces = [...wholePieces(claims, size, pieceSize)];
      const ranges = (): Promise<Range[]> => longTrialRanges(fd, pieces);
      const back: DigestBack = (some, algorithm) => digestBack(staged, some, algorithm);
      return pieces.length > 0 && (await digests.trusted({ of: staged.token, back, ranges })) !== undefined;
    };
  }

  /** Without digests nobody could tell what a copy has. */
  async #mayCopy(): Promise<boolean> {
    if (!this.#run.options.journals?.resume) return false;
    return this.#run.digests.isAvailable().catch((error: unknown) => {
      // The line says nothing of the server's means; without an answer everything is sent.
      if (CopyError.from(error).scope === 'connection') return false;
      throw error;
    });
  }

  #check({ by, claims }: Reopened): Promise<void> {
    return this.#checked(() => {
      if (by === 'journal') return this.#checkByJournal(claims);
      return this.#compare(claims, async (judged) => {
        await this.#settle(judged, (right) => this.#resumed(right));
      });
    });
  }

  #compare(ranges: readonly Range[], tell: (judged: Judged) => Promise<void>): Promise<void> {
    const { source, verification } = this.#job;
    const epoch = (): number => this.#run.continuity.epoch;
    const { signal } = this.#ending;
    const file = { ...verification.sides, size: source.size, pieceSize: this.#pieceSize, epoch, signal };
    return checkClaims(this.#run.digests, file, ranges, tell);
  }

  async #checked(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#job.changed();
    } catch (error) {
      if (error !== STOPPED) this.#job.failed(error);
    }
  }

  async #checkByJournal(claims: readonly Range[]): Promise<void> {
    for (const claim of claims) {
      if (!this.#job.isSending) return;
      const isThere = await this.#resume.isRight(claim);
      this.#run.scheduler.settleClaim(this.#job.file, claim, isThere);
      if (isThere) {
        this.#job.verification.verifier?.acknowledged([claim]);
        this.#resumed([claim]);
      } else this.#run.pump();
    }
  }

  /** Tells everybody what became known of some claims, and `kept` what is there. Returns what is missing, and is sent. */
  async #settle(judged: Judged, kept: (ranges: readonly Range[]) => void): Promise<Range[]> {
    const { right, wrong, unknown, method } = judged;
    const { file, source, verification } = this.#job;
    const { verifier } = verification;
    if (!this.#job.isSending) throw STOPPED;
    const { scheduler, options } = this.#run;
    // It may have been acknowledged right before the other run ended, and never synced.
    for (const range of right) scheduler.acknowledgedElsewhere(file, range);
    if (method !== undefined && options.verify !== 'read-back') {
      for (const range of right) if (isPiece(range, source.size, this.#pieceSize)) verifier?.resumed(range, method);
    }
    verifier?.acknowledged(right);
    kept(right);
    const noted = await this.#resume.stillNoted(unknown);
    if (!this.#job.isSending) throw STOPPED;
    for (const range of noted.right) scheduler.settleClaim(file, range, true);
    verifier?.acknowledged(noted.right);
    kept(noted.right);
    const missing = [...wrong, ...noted.wrong];
    await this.#resume.forget(missing);
    if (!this.#job.isSending) throw STOPPED;
    for (const range of missing) scheduler.settleClaim(file, range, false);
    this.#run.pump();
    return missing;
  }

  #resumed(ranges: readonly Range[]): void {
    this.#bytesResumed += bytesIn(ranges);
  }

  /** What becomes durable while the last is still being hashed comes next. */
  async #noteAll(): Promise<void> {
    const { signal } = this.#ending;
    while (this.#isMoreDurable && !signal.aborted) {
      this.#isMoreDurable = false;
      // Hashing for the journal takes processor time from the connections. Near the end it would save another run little.
      if (this.#job.verification.hashing === undefined && this.#job.msLeft < WORTHWHILE_MS) return;
      await this.#note(leisurely(signal));
    }
  }

  async #note(pace: Pace): Promise<void> {
    const { file, verification } = this.#job;
    const { verifier } = verification;
    try {
      // Where the server can hash, its digests tell what is there, also of a piece that was begun.
      const parts = this.#run.digests.inUse === undefined;
      await this.#resume.note(this.#run.scheduler.durable(file), pace, { verified: verifier?.verifiedRanges, parts });
    } catch (error) {
      this.#job.failed(error);
    }
  }
}

function bytesIn(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { length }) => sum + length, 0);
}
