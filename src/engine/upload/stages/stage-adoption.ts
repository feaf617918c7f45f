/** Which of the staged files of others this run continues, in which way, and what is removed when the target is in its place. */
import { CopyError } from '../../../errors.ts';
import type { DrawnStage, FoundStage, RemoteConnection, StageToken } from '../../../remotes/remote.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { formatSize } from '../../../util/format-size.ts';
import type { UploadContext } from '../../transfer/transfer-context.ts';
import type { StageSearch } from './stage-search.ts';

/** On how many connections something is removed that is of no use any more. */
const CLEANING_ATTEMPTS = 2;

/** Staged files that nobody writes now. */
export interface RestingStages {
  /** Of an earlier run on this machine, for another source. */
  readonly ours: readonly FoundStage[];
  readonly others: readonly FoundStage[];
}

export interface ChoiceOptions {
  /** What this run staged itself. */
  readonly own: StageToken;
  /** Bytes: what is shorter is not worth a copy. */
  readonly minLength: number;
  readonly mayCopy: boolean;
  readonly signal: AbortSignal;
}

export class StageAdoption {
  readonly #run: Pick<UploadContext, 'onConnection' | 'notice'>;
  readonly #search: StageSearch;
  /** Bytes of the local file. */
  readonly #size: number;
  /** What nobody needs any more when the target is in its place. */
  #superseded: readonly FoundStage[] = [];
  /** What somebody may still need. */
  #left: readonly FoundStage[] = [];
  /** Names that were drawn for copies, save the one that is continued. */
  #copies: DrawnStage[] = [];
  /** The one of them that is continued. */
  #continued: DrawnStage | undefined;
  /** What is continued as it is. */
  #original: FoundStage | undefined;

  constructor(run: Pick<UploadContext, 'onConnection' | 'notice'>, search: StageSearch, size: number) {
    this.#run = run;
    this.#search = search;
    this.#size = size;
  }

  /**
   * What is to be continued of what nobody writes now: a copy of the most promising one, or, where there is no room for a
   * copy, that one itself if nobody has written to it for a day. Undefined: nothing.
   * @throws CopyError `no-space` where there is no room, and somebody may still write it
   */
  async choose({ ours, others }: RestingStages, options: ChoiceOptions): Promise<StageToken | undefined> {
    const resting = [...ours, ...others];
    if (resting.length === 0) return undefined;
    const { own, minLength, mayCopy, signal } = options;
    const abandoned = (await this.#search.abandoned(others, own)).filter(({ isCertain }) => isCertain);
    const matching = mayCopy ? await this.#search.matching(resting, signal) : [];
    // Where the name may be that of another target's partial file, that one is none of ours to remove.
    const isRemovable = (stage: FoundStage): boolean => stage.isCertain && !ours.includes(stage);
    this.#superseded = [...new Set([...abandoned, ...matching])].filter(isRemovable);
    this.#left = others.filter((stage) => stage.isCertain && !this.#superseded.includes(stage));
    const best = matching.find(({ attributes }) => attributes.size >= minLength);
    if (best === undefined) return undefined;
    const hasRoom = await this.#hasRoom(own);
    const copied = hasRoom ? await this.#copyOf(best, options) : 'no room';
    if (copied !== 'no room') return copied;
    // What this machine staged of another source is removed, and makes room for all of the file.
    if (ours.includes(best) || !best.isCertain) return undefined;
    if (!abandoned.includes(best) || best.attributes.size >= this.#size) throw noRoom(best);
    this.#original = best;
    return best.token;
  }

  /** What was chosen is not continued after all. */
  async dismiss(choice: StageToken): Promise<void> {
    if (this.#continued?.token === choice) this.#copies.push(this.#continued);
    this.#continued = undefined;
    this.#original = undefined;
    await this.removeCopies();
  }

  /** Removes what is left of copies that are not continued; what cannot be removed is named. */
  async removeCopies(): Promise<void> {
    for (const { token, path } of this.#copies.splice(0)) {
      if (await this.#isRemoved((remote) => remote.discard(token))) continue;
      this.#tell(`${cleanText(path)}, a copy of a partial file, is of no use and could not be removed.`);
    }
  }

  /**
   * The target is in its place: what it was copied from, and what was left long ago, is of no use any more. Names what
   * stays.
   */
  async removeSuperseded(): Promise<void> {
    for (const { token, path, attributes } of this.#superseded) {
      if (path === this.#original?.path) continue;
      const isGone = await this.#isRemoved(async (remote) => {
        const now = await remote.lookAt(token);
        // Somebody writes it again: it is theirs.
        const isSame = now?.size === attributes.size && now.mtimeMs === attributes.mtimeMs;
        return isSame ? remote.discard(token) : true;
      });
      if (!isGone) this.#tell(`${cleanText(path)} is of no use any more and cannot be removed.`);
    }
    for (const { path, attributes } of this.#left) {
      this.#tell(
        `${cleanText(path)} (${formatSize(attributes.size)}), which another run has staged, stays on the server.`,
      );
    }
  }

  #tell(message: string): void {
    this.#run.notice('left-over', message, 'warning');
  }

  /** The target is in its place by then: a failure is only told. */
  async #isRemoved(remove: (remote: RemoteConnection) => Promise<boolean>): Promise<boolean> {
    try {
      return await this.#run.onConnection((_, remote) => remove(remote), { attempts: CLEANING_ATTEMPTS });
    } catch {
      return false;
    }
  }

  async #hasRoom(own: StageToken): Promise<boolean> {
    const room = await this.#search.freeSpace(own);
    return room === undefined || room >= this.#size;
  }

  async #copyOf(stage: FoundStage, { own, signal }: ChoiceOptions): Promise<StageToken | 'no room' | undefined> {
    let reason = '';
    try {
      const copy = await this.#search.copyOf(stage, (drawn) => this.#copies.push(drawn), signal);
      if (copy !== undefined) {
        this.#copies = this.#copies.filter(({ token }) => token !== copy.token);
        this.#continued = copy;
        for (const warning of copy.warnings) {
          const what = `${cleanText(stage.path)}, which another run has staged, is continued in a copy`;
          this.#run.notice('attributes', `${what}: ${warning}.`, 'warning');
        }
        return copy.token;
      }
    } catch (error) {
      const failure = CopyError.from(error);
      if (failure.scope === 'run') throw failure;
      await this.removeCopies();
      // Some servers tell a full disk as a bare failure.
      if (failure.code === 'no-space' || !(await this.#hasRoom(own))) return 'no room';
      reason = ` (${cleanText(failure.message).replace(/\.$/, '')})`;
    }
    await this.removeCopies();
    if (!signal.aborted) {
      const what = `the partial file ${cleanText(stage.path)} of another run`;
      this.#run.notice('not-copied', `The server cannot copy ${what}${reason}: everything is sent.`);
    }
    return undefined;
  }
}

function noRoom({ path, attributes: { size } }: FoundStage): CopyError {
  const what = `${cleanText(path)} (${formatSize(size)}), which another run has staged`;
  const message = `The server has no room for a copy of ${what}.`;
  const advice = 'Run the same command with --no-resume, which removes that file, or make room.';
  return new CopyError('no-space', message, { advice });
}
