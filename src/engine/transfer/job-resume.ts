/**
 * What earlier runs left of the file of one job, and what this run leaves: what they claim is checked while the rest is
 * transferred, and the journal is told what became durable.
 */
import type { Attributes, Range } from '../../remotes/remote.ts';
import { bytesIn } from '../../util/range-set.ts';
import type { ServerContinuity } from '../connections/server-continuity.ts';
import { FileJournal, type JournalStore, type JournalSubject } from '../resume/file-journal.ts';
import { leisurely, type Pace, withinMs } from '../resume/pace.ts';
import { choosePieceSize, isPiece, pieceCount, UNLIMITED_PIECES } from '../schedule/grid.ts';
import { checkClaims, type Judged } from '../verify/claim-check.ts';
import type { DigestProviders } from '../verify/digest-providers.ts';
import type { JobLedger } from './job-ledger.ts';
import type { JobVerification } from './job-verification.ts';
import { comparesContents, type Verify } from './verify.ts';

/** How often the journal is told what was acknowledged. */
const NOTE_EVERY_MS = 1000;

/** How long a run that failed still hashes for its journal. */
const KEEP_MS = 2000;

/** What is sent within this time is as quickly sent again as it is hashed. */
const WORTHWHILE_MS = 2000;

/** Nobody is interested any more. */
const STOPPED = new Error('The file is not being transferred.');

export interface ResumeServices {
  readonly verify: Verify;
  readonly ledger: JobLedger;
  readonly digests: DigestProviders;
  readonly continuity: Pick<ServerContinuity, 'epoch'>;
  /** Gives idle connections something to do. */
  dispatch(): void;
}

/** The file job. */
export interface ResumedJob {
  readonly verification: Pick<JobVerification, 'hashing' | 'sides' | 'verifier'>;
  /** Whether the file is being transferred, or is about to continue after an interruption. */
  readonly isOngoing: boolean;
  /** The file may be complete now. */
  onChanged(): void;
  onFailed(error: unknown): void;
}

export interface ResumedFile {
  /** Undefined: nothing is kept for another run. */
  readonly journals: JournalStore | undefined;
  /** Undefined: another run could not continue the file. */
  readonly subject: JournalSubject | undefined;
  /** Bytes. */
  readonly size: number;
  readonly pieceSize: number | 'auto';
}

/** Claims of an earlier run. */
export interface Claims {
  readonly claims: readonly Range[];
  /** By what they are judged: digests of both sides, or those that the journal has of the local file. */
  readonly by: 'digests' | 'journal';
}

export class JobResume {
  readonly journal: FileJournal;
  readonly #services: ResumeServices;
  readonly #job: ResumedJob;
  /** Bytes of the file. */
  readonly #size: number;
  #pieceSize = 0;
  #bytesResumed = 0;
  #lastNotedMs = 0;
  /** Claims that are being checked; never rejects. */
  #checking: Promise<void> | undefined;
  /** What is durable is being written down; never rejects. */
  #noting: Promise<void> | undefined;
  /** Whether more became durable since the last note was begun. */
  #isMoreDurable = false;
  #ending: AbortController = new AbortController();

  constructor(services: ResumeServices, job: ResumedJob, journal: FileJournal, size: number) {
    this.#services = services;
    this.#job = job;
    this.journal = journal;
    this.#size = size;
  }

  /**
   * Opens the journal of a file. Undefined where there is none: nothing is kept for another run, or the file has one piece,
   * which is sent as quickly as it is looked at.
   * @throws {CopyError} `journal-newer`: a newer version of this program wrote the journal
   */
  static async open(services: ResumeServices, job: ResumedJob, file: ResumedFile): Promise<JobResume | undefined> {
    const { journals, subject, size, pieceSize } = file;
    if (journals === undefined || subject === undefined) return undefined;
    if (pieceCount(size, choosePieceSize(size, UNLIMITED_PIECES, pieceSize)) <= 1) return undefined;
    return new JobResume(services, job, await FileJournal.open(journals, subject), size);
  }

  /** Bytes that an earlier run had sent, and that are still right. */
  get bytesResumed(): number {
    return this.#bytesResumed;
  }

  /** The file begins, or begins again. */
  begin(pieceSize: number): void {
    this.#pieceSize = pieceSize;
    this.#bytesResumed = 0;
    this.#isMoreDurable = false;
    this.#ending = new AbortController();
  }

  /** What an earlier run sent is not sent again, if it is still right. */
  check({ by, claims }: Claims): void {
    this.#checking = this.#checked(() => {
      if (by === 'journal') return this.#checkByJournal(claims);
      return this.#compare(claims, async (judged) => {
        await this.#settle(judged, (right) => this.#resumed(right));
      });
    });
  }

  /** Whether the server can be asked what it still has of what it said OK to. */
  get canRecheck(): boolean {
    const { digests, verify } = this.#services;
    return comparesContents(verify) && digests.inUse !== undefined;
  }

  /**
   * What this run sent is not sent again, if it is still there. The ranges must be withdrawn. `onWrong` is called with the
   * number of bytes that are sent again, if there are any.
   */
  recheck(ranges: readonly Range[], onWrong: (bytes: number) => void): void {
    let wrongBytes = 0;
    const checked = this.#checked(async () => {
      await this.#compare(ranges, async (judged) => {
        wrongBytes += bytesIn(await this.#settle(judged, () => {}));
      });
      if (wrongBytes > 0) onWrong(wrongBytes);
    });
    this.#checking = Promise.all([this.#checking, checked]).then(() => {});
  }

  /** What is durable is written down, so that it outlives this process. */
  synced(seen: Attributes): void {
    // At once: what changed long after the journal last saw it was changed by somebody else.
    this.journal.sawStaged(seen);
    this.#isMoreDurable = true;
    this.#noting ??= this.#noteAll().finally(() => {
      this.#noting = undefined;
    });
  }

  /** To be called now and then. */
  noteAcknowledged(nowMs: number): void {
    if (nowMs - this.#lastNotedMs < NOTE_EVERY_MS) return;
    this.#lastNotedMs = nowMs;
    void this.journal.noteAcknowledged(this.#services.ledger.acknowledged);
  }

  /** Resolves when nothing is under way; what is not noted by then is not going to be. */
  async settled(): Promise<void> {
    this.#ending.abort();
    await this.#checking;
    await this.#noting;
  }

  /** After a failure. `seen`: what the staged file looked like right before its last sync, if one succeeded. */
  async keep(seen: Attributes | undefined): Promise<void> {
    await this.settled();
    // Also where nothing can be made durable, as on a full disk: where digests decide, the next run looks at it.
    await this.journal.noteAcknowledged(this.#services.ledger.acknowledged);
    if (seen !== undefined) {
      this.journal.sawStaged(seen);
      await this.#note(withinMs(KEEP_MS));
    }
    await this.journal.close();
  }

  #compare(ranges: readonly Range[], tell: (judged: Judged) => Promise<void>): Promise<void> {
    const { digests, continuity } = this.#services;
    const { sides } = this.#job.verification;
    const { signal } = this.#ending;
    const file = { ...sides, size: this.#size, pieceSize: this.#pieceSize, epoch: () => continuity.epoch, signal };
    return checkClaims(digests, file, ranges, tell);
  }

  async #checked(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#job.onChanged();
    } catch (error) {
      if (error !== STOPPED) this.#job.onFailed(error);
    }
  }

  async #checkByJournal(claims: readonly Range[]): Promise<void> {
    const { ledger } = this.#services;
    for (const claim of claims) {
      if (!this.#job.isOngoing) return;
      const isThere = await this.journal.isRight(claim);
      ledger.settleClaim(claim, isThere);
      if (isThere) {
        this.#job.verification.verifier?.acknowledged([claim]);
        this.#resumed([claim]);
      } else this.#services.dispatch();
    }
  }

  /** Tells everybody what became known of some claims, and `onKept` what is there. Returns what is missing, and is sent. */
  async #settle(judged: Judged, onKept: (ranges: readonly Range[]) => void): Promise<Range[]> {
    const { right, wrong, unknown, method } = judged;
    const { verifier } = this.#job.verification;
    if (!this.#job.isOngoing) throw STOPPED;
    const { ledger, verify } = this.#services;
    // It may have been acknowledged right before the other run ended, and never synced.
    for (const range of right) ledger.acknowledge(range);
    if (method !== undefined && verify !== 'read-back') {
      for (const range of right) if (isPiece(range, this.#size, this.#pieceSize)) verifier?.resumed(range, method);
    }
    verifier?.acknowledged(right);
    onKept(right);
    const noted = await this.journal.stillNoted(unknown);
    if (!this.#job.isOngoing) throw STOPPED;
    for (const range of noted.right) ledger.settleClaim(range, true);
    verifier?.acknowledged(noted.right);
    onKept(noted.right);
    const missing = [...wrong, ...noted.wrong];
    await this.journal.forget(missing);
    if (!this.#job.isOngoing) throw STOPPED;
    for (const range of missing) ledger.settleClaim(range, false);
    this.#services.dispatch();
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
      const isNearEnd = this.#services.ledger.msLeft(performance.now()) < WORTHWHILE_MS;
      if (isNearEnd && this.#job.verification.hashing === undefined) return;
      await this.#note(leisurely(signal));
    }
  }

  async #note(pace: Pace): Promise<void> {
    const { ledger, digests } = this.#services;
    const { verifier } = this.#job.verification;
    try {
      // Where the server can hash, its digests tell what is there, also of a piece that was begun.
      const parts = digests.inUse === undefined;
      await this.journal.note(ledger.durable, pace, { verified: verifier?.verifiedRanges, parts });
    } catch (error) {
      this.#job.onFailed(error);
    }
  }
}
