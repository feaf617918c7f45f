/**
 * Decides which of the files on the server this run continues, and how: what others staged, or the target that is to be
 * replaced, in a copy by the server; or a staged file itself. Removes the others when the target is in its place.
 */
import { CopyError } from '../../../errors.ts';
import type { DrawnStage, FoundStage, RemoteConnection, StageToken } from '../../../remotes/remote.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { formatSize } from '../../../util/format-size.ts';
import type { Report } from '../../transfer/direction.ts';
import type { Candidate, StageAccess, StageCopy, StageSearch } from './stage-search.ts';

/** On how many connections something is removed that is of no use any more. */
const CLEANING_ATTEMPTS = 2;

export interface StageServices {
  readonly access: StageAccess;
  readonly report: Pick<Report, 'notice' | 'emit'>;
}

/** Staged files, as they were found. */
export interface RestingStages {
  /** Of an earlier run on this machine, for another source. */
  readonly ours: readonly FoundStage[];
  readonly others: readonly FoundStage[];
}

export interface CopyOptions {
  /** What this run staged itself. */
  readonly own: StageToken;
  /** Bytes: what is shorter is not worth a copy. */
  readonly minLength: number;
  /** Whether a copy would be of use. */
  readonly mayCopy: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

/** What came of the attempt to have the server copy a file. */
interface CopyAttempt {
  readonly of: Candidate;
  /** Undefined: the server cannot copy the file, or there is no room. */
  readonly copy?: StageCopy | undefined;
  readonly isWithoutRoom?: boolean;
  /** Why the server did not copy it, as far as the server says that. */
  readonly reason?: string;
}

export class StageAdoption {
  readonly #services: StageServices;
  readonly #search: StageSearch;
  /** Bytes of the local file. */
  readonly #size: number;
  /** Files that no run needs any more when the target is in its place. */
  #superseded: readonly FoundStage[] = [];
  /** Files that another run may still need. */
  #left: readonly FoundStage[] = [];
  /** Names that were drawn for copies, without the one that is continued. */
  #copies: DrawnStage[] = [];
  /** The copy that is continued. */
  #continued: DrawnStage | undefined;
  #matching: readonly Candidate[] = [];
  #attempt: CopyAttempt | undefined;
  /** The file that is continued itself, without a copy. */
  #original: FoundStage | undefined;

  constructor(services: StageServices, search: StageSearch, size: number) {
    this.#services = services;
    this.#search = search;
    this.#size = size;
  }

  /**
   * Has the server copy the most promising of `found`, if there is room. It need not be known yet whether another run
   * is still writing it, because the file itself is not changed. A copy that {@link choose} does not choose is removed
   * afterwards. Where the target cannot be copied, the next one is tried.
   */
  async copyBest(found: readonly Candidate[], { own, minLength, mayCopy, signal }: CopyOptions): Promise<void> {
    if (found.length === 0 || !(await mayCopy())) return;
    this.#matching = await this.#search.matching(found, signal);
    for (const best of this.#matching.filter(({ attributes }) => attributes.size >= minLength)) {
      if (signal.aborted) return;
      const attempt = (await this.#hasRoom(own, best)) ? await this.#copyOf(best, own, signal) : withoutRoom(best);
      this.#attempt = attempt;
      if (best.token !== undefined || attempt.copy !== undefined || signal.aborted) return;
      const cannot = `the server cannot copy it${attempt.reason ?? ''}`;
      this.tellUnused(best, attempt.isWithoutRoom ? 'the server has no room for a copy' : cannot);
    }
  }

  /** Tells why nothing is taken from the old target. */
  tellUnused({ path }: Candidate, why: string): void {
    const message = `Nothing is taken from the old ${cleanText(path)}, which has some of the new content: ${why}.`;
    this.#services.report.emit({ type: 'notice', level: 'detail', code: 'not-copied', message });
  }

  /**
   * Chooses what is to be continued of the files that no run is writing: a copy of the most promising one; if there is
   * no room for a copy, that file itself, provided that it was not written for a day. Undefined: nothing.
   * @throws {CopyError} `no-space`: there is no room for a copy, and another run may still write the original
   */
  async choose({ ours, others }: RestingStages, own: StageToken): Promise<StageToken | undefined> {
    const resting = [...ours, ...others];
    const attempt = this.#attempt;
    if (resting.length === 0) return attempt && this.#copyOfTarget(attempt);
    const abandoned = (await this.#search.abandoned(others, own)).filter(({ isCertain }) => isCertain);
    const matching = resting.filter((stage) => this.#matching.some(({ token }) => token?.stage === stage.token.stage));
    // A file that may belong to another target must not be removed.
    const isRemovable = (stage: FoundStage): boolean => stage.isCertain && !ours.includes(stage);
    this.#superseded = [...new Set([...abandoned, ...matching])].filter(isRemovable);
    this.#left = others.filter((stage) => stage.isCertain && !this.#superseded.includes(stage));
    const best = matching.find(({ token }) => token.stage === attempt?.of.token?.stage);
    await this.#removeUseless(this.#superseded.filter((stage) => abandoned.includes(stage) && stage !== best));
    if (attempt === undefined) return undefined;
    if (best === undefined) return this.#copyOfTarget(attempt);
    if (attempt.copy !== undefined) return this.#continueIn(attempt.copy, best);
    if (!attempt.isWithoutRoom) {
      const what = `the partial file ${cleanText(best.path)} of another run`;
      this.#services.report.notice(
        'not-copied',
        `The server cannot copy ${what}${attempt.reason ?? ''}: everything is sent.`,
      );
      return undefined;
    }
    // What this machine staged from another source is removed, which makes room for the whole file.
    if (ours.includes(best) || !best.isCertain) return undefined;
    if (!abandoned.includes(best) || best.attributes.size >= this.#size) {
      const room = await this.#search.freeSpace(own);
      if (room === undefined || room < this.#size) throw noRoom(best);
      const what = `${cleanText(best.path)}, which another run has staged`;
      this.#services.report.notice('not-copied', `There is no room for a copy of ${what}: everything is sent.`);
      return undefined;
    }
    this.#original = best;
    return best.token;
  }

  /** Nothing is continued: what is ours is of no use any more, and the others are left to whoever may write them. */
  leave({ ours, others }: RestingStages): void {
    this.#superseded = ours;
    this.#left = others.filter(({ isCertain }) => isCertain);
  }

  /** What {@link choose} has returned is not continued after all. */
  async dismiss(choice: StageToken): Promise<void> {
    if (this.#continued?.token === choice) this.#copies.push(this.#continued);
    this.#continued = undefined;
    this.#original = undefined;
    await this.removeCopies();
  }

  /** Removes copies that are not continued, and reports those that cannot be removed. */
  async removeCopies(): Promise<void> {
    for (const { token, path } of this.#copies.splice(0)) {
      if (await this.#isRemoved((remote) => remote.discard(token))) continue;
      this.#tell(`${cleanText(path)}, a copy by the server, is of no use and could not be removed.`);
    }
  }

  /**
   * The target is in its place. Removes the files that it was copied from and those that were abandoned long ago, and
   * reports which files stay.
   */
  async removeSuperseded(): Promise<void> {
    await this.#removeUseless(this.#superseded.filter(({ path }) => path !== this.#original?.path));
    for (const { path, attributes } of this.#left) {
      this.#tell(
        `${cleanText(path)} (${formatSize(attributes.size)}), which another run has staged, stays on the server.`,
      );
    }
  }

  /**
   * A run that never ends well must not leave one more file each time, so that those that were abandoned long ago are
   * removed as soon as they are found.
   */
  async #removeUseless(stages: readonly FoundStage[]): Promise<void> {
    this.#superseded = this.#superseded.filter((stage) => !stages.includes(stage));
    for (const { token, path, attributes } of stages) {
      const isGone = await this.#isRemoved(async (remote) => {
        const now = await remote.lookAt(token);
        // If it has changed, another run is writing it again, and it stays.
        const isSame = now?.size === attributes.size && now.mtimeMs === attributes.mtimeMs;
        return isSame ? remote.discard(token) : true;
      });
      if (!isGone) this.#tell(`${cleanText(path)} is of no use any more and cannot be removed.`);
    }
  }

  #tell(message: string): void {
    this.#services.report.notice('left-over', message, 'warning');
  }

  /** Whether it could be removed. A failure only leads to a message. */
  async #isRemoved(remove: (remote: RemoteConnection) => Promise<boolean>): Promise<boolean> {
    try {
      return await this.#services.access.withConnection((_, remote) => remove(remote), { attempts: CLEANING_ATTEMPTS });
    } catch {
      return false;
    }
  }

  async #hasRoom(own: StageToken, { attributes }: Candidate): Promise<boolean> {
    const room = await this.#search.freeSpace(own);
    return room === undefined || room >= Math.max(this.#size, attributes.size);
  }

  #copyOfTarget({ of, copy }: CopyAttempt): StageToken | undefined {
    return of.token === undefined && copy !== undefined ? this.#continueIn(copy, of) : undefined;
  }

  #continueIn(copy: StageCopy, of: Candidate): StageToken {
    this.#copies = this.#copies.filter(({ token }) => token !== copy.token);
    this.#continued = copy;
    for (const warning of copy.warnings) {
      const which = of.token === undefined ? 'the old target' : 'which another run has staged';
      const what = `${cleanText(of.path)}, ${which}, is continued in a copy`;
      this.#services.report.notice('attributes', `${what}: ${warning}.`, 'warning');
    }
    return copy.token;
  }

  /**
   * Has the server copy `best`. Names that are drawn for that are kept, so that what is there can be removed after a
   * failure.
   */
  async #copyOf(best: Candidate, own: StageToken, signal: AbortSignal): Promise<CopyAttempt> {
    try {
      const copy = await this.#search.copyOf(best, (drawn) => this.#copies.push(drawn), signal);
      return { of: best, copy };
    } catch (error) {
      const failure = CopyError.from(error);
      if (failure.scope === 'run') throw failure;
      await this.removeCopies();
      // Some servers report a full disk as a failure without a reason.
      if (failure.code === 'no-space' || !(await this.#hasRoom(own, best))) return withoutRoom(best);
      return { of: best, reason: ` (${cleanText(failure.message).replace(/\.$/, '')})` };
    }
  }
}

function withoutRoom(best: Candidate): CopyAttempt {
  return { of: best, isWithoutRoom: true };
}

function noRoom({ path, attributes: { size } }: FoundStage): CopyError {
  const what = `${cleanText(path)} (${formatSize(size)}), which another run has staged`;
  const message = `The server has no room for a copy of ${what}.`;
  const advice = 'Run the same command with --no-resume, which removes that file, or make room.';
  return new CopyError('no-space', message, { advice });
}
