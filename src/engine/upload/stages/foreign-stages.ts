/**
 * Deals with what others staged for the target of one file job, from listing the directory until the target is in its
 * place, and with the old file at the target, of which parts may be right.
 *
 * The directory is listed while the file is opened and staged, and the old file sampled. Sending waits for that, but
 * not longer than {@link LOOKING_MS}, because a directory may have very many names. If something was found, nothing is
 * sent until it is known whether the server can copy it, and has copied it.
 */

import { CopyError } from '../../../errors.ts';
import type { FoundStage, StageToken } from '../../../remotes/remote.ts';
import { beforeAbort } from '../../../util/before-abort.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { type RestingStages, StageAdoption, type StageServices } from './stage-adoption.ts';
import { type Candidate, type SearchedFile, StageSearch } from './stage-search.ts';

/** How long sending waits for the listing of the directory and the samples of the old file. */
const LOOKING_MS = 1000;
/** A copy of an old file that is longer by so much would take more time than it could save. */
const MAX_TIMES_LONGER = 2;

/** The file job. */
export interface SearchingJob {
  /** Nothing of the file is handed out until {@link release}, or until it begins again. */
  hold(): void;
  release(): void;
  /** The file is to be continued in the staged file that `token` names, which belongs to this run now. */
  moveTo(token: StageToken): void;
  onFailed(error: unknown): void;
}

export interface Consideration {
  /** What this run staged itself. */
  readonly own: StageToken;
  /** What an earlier run on this machine staged from another source. No run writes it, and it is removed. */
  readonly outdated: StageToken | undefined;
  /** Files with fewer bytes are not worth a copy. */
  readonly minLength: number;
  /** Whether nothing of an earlier run is continued, so that something else may be. */
  readonly isEmpty: boolean;
  /** Whether the contents of a copy could be compared by digests. */
  readonly mayCopy: () => Promise<boolean>;
  /** What this run staged is not replaced by a copy: its journal may begin. */
  readonly keepOwn: () => Promise<void>;
  /** Aborted when the result is not needed any more. */
  readonly signal: AbortSignal;
}

export class ForeignStages {
  readonly #services: StageServices;
  readonly #search: StageSearch;
  readonly #job: SearchingJob;
  readonly #adoption: StageAdoption;
  readonly #finding: Promise<readonly FoundStage[]>;
  /** The old file at the target; undefined: nothing can be taken from it. */
  readonly #old: Candidate | undefined;
  #isConsidered = false;
  /** What was found, until it is decided what is done with it. */
  #undecided: RestingStages | undefined;
  #hasEndedRun = false;

  /** Begins to list the directory at once. */
  constructor(services: StageServices, file: SearchedFile, job: SearchingJob) {
    this.#services = services;
    this.#job = job;
    this.#search = new StageSearch(services.access, file);
    this.#adoption = new StageAdoption(services, this.#search, file.size);
    this.#finding = this.#search.find();
    this.#old = oldOf(file);
    // The failure is reported where the promise is awaited.
    this.#finding.catch(() => {});
  }

  /** Whether it was decided what is done with what others staged. */
  get isConsidered(): boolean {
    return this.#isConsidered;
  }

  /** Whether the file failed because of what others staged. */
  get hasEndedRun(): boolean {
    return this.#hasEndedRun;
  }

  /**
   * Removes all that others staged, because nothing is to be continued.
   * @throws {CopyError} `target-busy`: another run is writing one of the files
   */
  async clear(own: StageToken, signal: AbortSignal): Promise<void> {
    this.#isConsidered = true;
    await this.#noting(signal, () => this.#clear(own, signal));
  }

  /**
   * Finds out which of the files can be continued. The job is held in the meantime, for a limited time. Only the first
   * call has an effect. Resolves when nothing is in progress. Never rejects.
   */
  async consider(consideration: Consideration): Promise<void> {
    if (this.#isConsidered) return;
    try {
      await this.#noting(consideration.signal, () => this.#consider(consideration));
    } catch (error) {
      if (!consideration.signal.aborted) this.#job.onFailed(error);
    }
  }

  /** The job does not continue the staged file that {@link SearchingJob.moveTo} has named. */
  dismiss(token: StageToken): Promise<void> {
    return this.#adoption.dismiss(token);
  }

  /** See {@link StageAdoption.removeSuperseded}. */
  async removeSuperseded(): Promise<void> {
    // The file was complete before it was known whether another run is writing.
    if (this.#undecided !== undefined && !this.#isConsidered) this.#adoption.leave(this.#undecided);
    await this.#adoption.removeSuperseded();
  }

  async #consider(consideration: Consideration): Promise<void> {
    const { own, outdated, minLength, isEmpty, mayCopy, keepOwn, signal } = consideration;
    let isHeld = isEmpty;
    if (isHeld) this.#job.hold();
    const release = (): void => {
      if (isHeld && !signal.aborted) this.#job.release();
      isHeld = false;
    };
    const late = setTimeout(release, LOOKING_MS);
    const finding = this.#rest(own, outdated);
    const looking = Promise.all([finding, isEmpty ? this.#usefulOld(minLength, mayCopy, signal) : []]);
    const looked = await beforeAbort(looking, signal).finally(() => clearTimeout(late));
    if (looked === undefined || signal.aborted) return;
    const [{ ours, others }, old] = looked;
    if (ours.length + others.length + old.length > 0 && isEmpty && !isHeld) {
      isHeld = true;
      this.#job.hold();
    }
    const choice = await this.#choose({ ours, others }, old, {
      own,
      minLength,
      mayCopy: async () => isEmpty && mayCopy(),
      signal,
    });
    if (signal.aborted) {
      if (choice !== undefined) await this.#adoption.dismiss(choice);
      return;
    }
    this.#isConsidered = true;
    // Nothing else is going to be copied from it.
    if (outdated !== undefined) await this.#search.discard([outdated]);
    if (choice !== undefined) return this.#job.moveTo(choice);
    if (isEmpty) await keepOwn();
    release();
  }

  /** Returns the files that still exist, and marks them undecided: the job may end before a decision. */
  async #rest(own: StageToken, outdated: StageToken | undefined): Promise<RestingStages> {
    const found = await this.#foreign(own);
    const ours = found.filter(({ token }) => token.stage === outdated?.stage);
    const others = found.filter((stage) => !ours.includes(stage));
    this.#undecided = { ours, others };
    return this.#undecided;
  }

  /** The old file, if it has something of the source that could be copied and compared. */
  async #usefulOld(
    minLength: number,
    mayCopy: () => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<readonly Candidate[]> {
    const old = this.#old;
    if (old === undefined || old.attributes.size < minLength) return [];
    const useful = await this.#search.matching([old], signal);
    if (useful.length === 0 || (await mayCopy())) return useful;
    this.#adoption.tellUnused(old, 'the server cannot be made to hash it');
    return [];
  }

  /**
   * Has the server copy the most promising file while this run waits to see whether another run is writing it. The copy
   * is a file of its own, and is removed if another run does.
   */
  async #choose(
    { ours, others }: RestingStages,
    old: readonly Candidate[],
    { own, minLength, mayCopy, signal }: Pick<Consideration, 'own' | 'minLength' | 'mayCopy' | 'signal'>,
  ): Promise<StageToken | undefined> {
    const busy = new AbortController();
    const copying = this.#adoption.copyBest([...ours, ...others, ...old], {
      own,
      minLength,
      mayCopy,
      signal: AbortSignal.any([signal, busy.signal]),
    });
    // The failure is reported where the promise is awaited.
    copying.catch(() => {});
    try {
      const resting = others.length > 0 ? await this.#search.atRest(others, signal) : [];
      await copying;
      return signal.aborted ? undefined : await this.#adoption.choose({ ours, others: resting }, own);
    } catch (error) {
      busy.abort();
      await copying.catch(() => {});
      throw error;
    } finally {
      await this.#adoption.removeCopies();
    }
  }

  async #clear(own: StageToken, signal: AbortSignal): Promise<void> {
    const found = await this.#foreign(own);
    if (found.length === 0) return;
    const resting = (await this.#search.atRest(found, signal)).filter(({ isCertain }) => isCertain);
    if (await this.#search.discard(resting.map(({ token }) => token))) return;
    const names = resting.map(({ path }) => cleanText(path)).join(', ');
    this.#services.report.notice(
      'left-over',
      `Not all of these could be removed from the server: ${names}.`,
      'warning',
    );
  }

  /** Notes whether `work` fails because of what others staged. */
  async #noting(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) this.#hasEndedRun = isInTheWay(error);
      throw error;
    }
  }

  async #foreign(own: StageToken): Promise<readonly FoundStage[]> {
    const found = await this.#finding;
    return this.#search.present(found.filter(({ token }) => token.stage !== own.stage));
  }
}

function oldOf({ target, size, old }: SearchedFile): Candidate | undefined {
  if (old?.kind !== 'file' || old.size > MAX_TIMES_LONGER * size) return undefined;
  return { path: target, attributes: old };
}

/** Whether another run is at work or leaves no room. After any other failure, the next run can use what was sent. */
function isInTheWay(error: unknown): boolean {
  const { code } = CopyError.from(error);
  return code === 'target-busy' || code === 'no-space';
}
