/**
 * The resume of one file job. It checks what earlier runs claim while the rest is transferred, and records in the
 * journal what becomes durable, for later runs. A file that is written in place has no journal, and what it had before
 * is checked by digests only.
 *
 * What can go wrong: the digests cannot be had any more (the journal then decides), the file is interrupted or fails
 * (the check ends), or the journal cannot be written (the copy continues without it). While a range is being checked,
 * it is claimed in the ledger, so that it is neither sent nor counted.
 */
import type { Attributes, Range } from '../../remotes/remote.ts';
import { bytesIn, RangeSet } from '../../util/range-set.ts';
import type { ServerContinuity } from '../connections/server-continuity.ts';
import { FileJournal, type JournalStore, type JournalSubject } from '../resume/file-journal.ts';
import { type Pace, restingPace, withinMs } from '../resume/pace.ts';
import { cellsAcross, choosePieceSize, isPiece, pieceCount, UNLIMITED_PIECES } from '../schedule/grid.ts';
import { checkClaims, type Judged } from '../verify/claim-check.ts';
import type { DigestProviders } from '../verify/digest-providers.ts';
import type { JobLedger } from './job-ledger.ts';
import type { JobVerification } from './job-verification.ts';
import { comparesContents, type Verify } from './verify.ts';

/** How often acknowledged ranges are recorded in the journal. */
const NOTE_EVERY_MS = 1000;
/** The same for a file of this machine, where the process may be killed and no written byte is lost. */
const NOTE_WRITTEN_EVERY_MS = 250;

/**
 * The share of the time that is spent on hashing it: what the journal has no digest of is fetched again, so that the
 * hashing has to keep up with a slow processor too.
 */
const WRITTEN_SHARE = 0.5;

/** How long a run that has failed still computes digests for its journal. */
const KEEP_MS = 2000;

/** Bytes that are sent within this time are sent again as quickly as they are hashed. */
const WORTHWHILE_MS = 2000;

/** Bytes of an older version that are copied before they are compared: few enough that sending begins soon. */
const OLDER_AT_ONCE = 64 * 1024 * 1024;

/** Ends a check whose result is not needed any more. */
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
  /** Looks at the file that is written, if that is on this machine. */
  readonly lookHere: (() => Promise<Attributes>) | undefined;
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
  /** Ascending and disjoint. */
  readonly claims: readonly Range[];
  /** How they are checked: by digests of both sides, or by those that the journal has of the local file. */
  readonly by: 'digests' | 'journal';
  /** Where what is not claimed, or wrong, may be taken from; only where digests decide. Undefined: nothing. */
  readonly older?: OlderVersion | undefined;
}

/** An older version of the file, on the side that the file is written to. */
export interface OlderVersion {
  /** Bytes from its beginning that may be right. */
  readonly length: number;
  /**
   * Copies ranges of it to the same offsets of the file that is written. Some of the bytes may be missing afterwards,
   * so that the ranges have to be compared.
   * @throws {CopyError} of the destination
   */
  copy(ranges: readonly Range[]): Promise<void>;
}

/** Everything that is going to be checked. */
export function claimedRanges({ claims, older }: Claims): RangeSet {
  const claimed = new RangeSet(claims);
  if (older !== undefined) claimed.add({ offset: 0, length: older.length });
  return claimed;
}

export class JobResume {
  /** Undefined where nothing is kept for another run. */
  readonly journal: FileJournal | undefined;
  readonly #services: ResumeServices;
  readonly #job: ResumedJob;
  /** Bytes of the file. */
  readonly #size: number;
  #pieceSize = 0;
  #bytesResumed = 0;
  #lastNotedMs = 0;
  /** The check of claims that is in progress; never rejects. */
  #checking: Promise<void> | undefined;
  /** The recording of durable ranges that is in progress; never rejects. */
  #noting: Promise<void> | undefined;
  /** Whether more has become durable since the last recording began. */
  #isMoreDurable = false;
  #ending: AbortController = new AbortController();

  constructor(services: ResumeServices, job: ResumedJob, journal: FileJournal | undefined, size: number) {
    this.#services = services;
    this.#job = job;
    this.journal = journal;
    this.#size = size;
  }

  /**
   * Opens the journal of a file, if it has one. Undefined for a file of one piece, which is sent as quickly as it is
   * looked at.
   * @throws {CopyError} `journal-newer`: a newer version of this program wrote the journal
   */
  static async open(services: ResumeServices, job: ResumedJob, file: ResumedFile): Promise<JobResume | undefined> {
    const { journals, subject, size, pieceSize } = file;
    if (pieceCount(size, choosePieceSize(size, UNLIMITED_PIECES, pieceSize)) <= 1) return undefined;
    const isKept = journals !== undefined && subject !== undefined;
    // What is recorded for the next run depends on whether it can compare digests, even if this one compares none.
    if (isKept) services.digests.start();
    return new JobResume(services, job, isKept ? await FileJournal.open(journals, subject) : undefined, size);
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

  /** Begins to check claims of an earlier run. What is still right is not sent again. */
  check(claims: Claims): void {
    this.#checking = this.#checked(() => {
      return claims.by === 'journal' ? this.#checkByJournal(claims.claims) : this.#checkByDigests(claims);
    });
  }

  /** Whether digests can show what the server still has of the acknowledged bytes. */
  get canRecheck(): boolean {
    const { digests, verify } = this.#services;
    return comparesContents(verify) && digests.inUse !== undefined;
  }

  /**
   * Begins to check ranges that this run has sent and that the server may have lost. They must be withdrawn from the
   * ledger. `onWrong` is called with the number of bytes that are sent again, if there are any.
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

  /** The staged file was synced when it looked like `seen`: records what is durable, so that another run knows it. */
  onSynced(seen: Attributes): void {
    // This comes first, because a file that was changed long after this time counts as changed by another program.
    this.journal?.sawStaged(seen);
    if (this.#countsWritten) return void this.journal?.noteDurable(this.#services.ledger.durable);
    this.#isMoreDurable = true;
    this.#beginNoting(() => this.#noteAll());
  }

  /** To be called at intervals. */
  noteAcknowledged(nowMs: number): void {
    if (nowMs - this.#lastNotedMs < (this.#countsWritten ? NOTE_WRITTEN_EVERY_MS : NOTE_EVERY_MS)) return;
    this.#lastNotedMs = nowMs;
    if (this.#countsWritten)
      return this.#beginNoting(() => this.#noteWritten(restingPace(this.#ending.signal, WRITTEN_SHARE)));
    void this.journal?.noteAcknowledged(this.#services.ledger.acknowledged);
  }

  /** Ends checking and recording, and resolves when neither is in progress. */
  async settled(): Promise<void> {
    this.#ending.abort();
    await this.#checking;
    await this.#noting;
  }

  /** After a failure. `seen`: what the staged file looked like right before its last sync, if one succeeded. */
  async keep(seen: Attributes | undefined): Promise<void> {
    await this.settled();
    // Even if nothing can be made durable, as on a full disk: where digests decide, the next run checks these ranges.
    await this.journal?.noteAcknowledged(this.#services.ledger.acknowledged);
    if (this.#countsWritten) await this.#noteWritten(withinMs(KEEP_MS));
    if (seen !== undefined) {
      this.journal?.sawStaged(seen);
      await this.#note(withinMs(KEEP_MS));
    }
    await this.journal?.close();
  }

  #compare(ranges: readonly Range[], onJudged: (judged: Judged) => Promise<void>): Promise<void> {
    const { digests, continuity } = this.#services;
    const { sides } = this.#job.verification;
    const { signal } = this.#ending;
    const file = { ...sides, size: this.#size, pieceSize: this.#pieceSize, epoch: () => continuity.epoch, signal };
    return checkClaims(digests, file, ranges, onJudged);
  }

  async #checked(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#job.onChanged();
    } catch (error) {
      if (error !== STOPPED) this.#job.onFailed(error);
    }
  }

  async #checkByDigests({ claims, older }: Claims): Promise<void> {
    if (older === undefined) return this.#compare(claims, (judged) => this.#settleResumed(judged));
    const inOlder = new RangeSet([{ offset: 0, length: older.length }]);
    await this.#compare(claims, async (judged) => {
      const wrong = new RangeSet(judged.wrong);
      await this.#settleResumed({ ...judged, wrong: [...wrong.without(inOlder)] });
      await this.#checkOlder(older, [...wrong.within(inOlder)]);
    });
    const batchLength = Math.max(OLDER_AT_ONCE, this.#pieceSize);
    for (const range of inOlder.without(new RangeSet(claims))) {
      for (const batch of cellsAcross(range, batchLength)) await this.#checkOlder(older, [batch]);
    }
  }

  async #checkOlder(older: OlderVersion, ranges: readonly Range[]): Promise<void> {
    if (ranges.length === 0) return;
    await older.copy(ranges);
    if (!this.#job.isOngoing) throw STOPPED;
    await this.#compare(ranges, (judged) => this.#settleResumed(judged));
  }

  async #settleResumed(judged: Judged): Promise<void> {
    await this.#settle(judged, (right) => this.#resumed(right));
  }

  async #checkByJournal(claims: readonly Range[]): Promise<void> {
    const { ledger } = this.#services;
    for (const claim of claims) {
      if (!this.#job.isOngoing) return;
      const isThere = (await this.journal?.isRight(claim)) ?? false;
      ledger.settleClaim(claim, isThere);
      if (isThere) {
        this.#job.verification.verifier?.onAcknowledged([claim]);
        this.#resumed([claim]);
      } else this.#services.dispatch();
    }
  }

  /**
   * Passes the results for some claims to ledger, verifier and journal. `onKept` is called with ranges that the server
   * has. Returns the ranges that it does not have; they are sent.
   */
  async #settle(judged: Judged, onKept: (ranges: readonly Range[]) => void): Promise<Range[]> {
    const { right, wrong, unknown, method } = judged;
    const { verifier } = this.#job.verification;
    if (!this.#job.isOngoing) throw STOPPED;
    const { ledger, verify } = this.#services;
    // Such a range may have been acknowledged right before the other run ended, and never synced.
    for (const range of right) ledger.acknowledge(range);
    if (method !== undefined && verify !== 'read-back') {
      for (const range of right) if (isPiece(range, this.#size, this.#pieceSize)) verifier?.onResumed(range, method);
    }
    verifier?.onAcknowledged(right);
    onKept(right);
    const noted = (await this.journal?.stillNoted(unknown)) ?? { right: [], wrong: unknown };
    if (!this.#job.isOngoing) throw STOPPED;
    for (const range of noted.right) ledger.settleClaim(range, true);
    verifier?.onAcknowledged(noted.right);
    onKept(noted.right);
    const missing = [...wrong, ...noted.wrong];
    await this.journal?.forget(missing);
    if (!this.#job.isOngoing) throw STOPPED;
    for (const range of missing) ledger.settleClaim(range, false);
    this.#services.dispatch();
    return missing;
  }

  #resumed(ranges: readonly Range[]): void {
    this.#bytesResumed += bytesIn(ranges);
  }

  /** Whether the journal may claim what was written and not synced, because digests of the server cannot show it. */
  get #countsWritten(): boolean {
    const isByJournal = this.#services.digests.inUse === undefined;
    return isByJournal && this.#job.lookHere !== undefined && (this.journal?.countsWritten ?? false);
  }

  #beginNoting(work: () => Promise<void>): void {
    this.#noting ??= work().finally(() => {
      this.#noting = undefined;
    });
  }

  async #noteWritten(pace: Pace): Promise<void> {
    try {
      const written = this.#services.ledger.acknowledged;
      const seen = await this.#job.lookHere?.();
      if (seen !== undefined) this.journal?.sawStaged(seen);
      await this.journal?.noteWritten(written, pace);
    } catch (error) {
      this.#job.onFailed(error);
    }
  }

  /** Records durable ranges until none has been added since the last recording began. */
  async #noteAll(): Promise<void> {
    const { signal } = this.#ending;
    while (this.#isMoreDurable && !signal.aborted) {
      this.#isMoreDurable = false;
      // Hashing takes processor time from the connections, and near the end of the file it would save another run
      // little.
      const isNearEnd = this.#services.ledger.msLeft(performance.now()) < WORTHWHILE_MS;
      if (isNearEnd && this.#job.verification.hashing === undefined) return;
      await this.#note(restingPace(signal));
    }
  }

  async #note(pace: Pace): Promise<void> {
    const { ledger, digests } = this.#services;
    const { verifier } = this.#job.verification;
    try {
      // Where the server can hash, digests also show which parts of a piece it has.
      const parts = digests.inUse === undefined;
      await this.journal?.note(ledger.durable, pace, { verified: verifier?.verifiedRanges, parts });
    } catch (error) {
      this.#job.onFailed(error);
    }
  }
}
