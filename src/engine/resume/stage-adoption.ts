/** Which of the staged files of others this run continues, in which way, and what is removed when the target is in its place. */
import { CopyError } from '../../errors.ts';
import type { FoundStage, RemoteConnection, StageToken } from '../../remotes/remote.ts';
import { cleanText } from '../../util/clean-text.ts';
import { formatSize } from '../../util/format-size.ts';
import type { UploadContext } from '../upload-context.ts';
import type { StageSearch } from './stage-search.ts';

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
  #copy: StageToken | undefined;
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
    this.#superseded = [...new Set([...abandoned, ...matching])].filter((stage) => !ours.includes(stage));
    this.#left = others.filter((stage) => stage.isCertain && !this.#superseded.includes(stage));
    const best = matching.find(({ attributes }) => attributes.size >= minLength);
    if (best === undefined) return undefined;
    const room = await this.#search.freeSpace(own);
    const copied = room === undefined || room >= this.#size ? await this.#copyOf(best) : 'no room';
    if (copied !== 'no room') return copied;
    // What this machine staged of another source is removed, and makes room for all of the file.
    if (ours.includes(best)) return undefined;
    if (!abandoned.includes(best)) throw noRoom(best);
    this.#original = best;
    return best.token;
  }

  /** What was chosen cannot be continued after all: a copy is removed. */
  async dismiss(remote: RemoteConnection): Promise<void> {
    this.#original = undefined;
    if (this.#copy !== undefined) await remote.discard(this.#copy);
  }

  /**
   * The target is in its place: what it was copied from, and what was left long ago, is of no use any more. Names what
   * stays.
   */
  async removeSuperseded(): Promise<void> {
    for (const { token, path, attributes } of this.#superseded) {
      if (path === this.#original?.path) continue;
      const isGone = await this.#run.onConnection(async (_, remote) => {
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

  async #copyOf(stage: FoundStage): Promise<StageToken | 'no room' | undefined> {
    try {
      const copy = await this.#search.copyOf(stage);
      if (copy === undefined) {
        const what = `the partial file ${cleanText(stage.path)} of another run`;
        this.#run.notice('not-copied', `The server cannot copy ${what}: everything is sent.`);
      }
      this.#copy = copy;
      return copy;
    } catch (error) {
      if (CopyError.from(error).code === 'no-space') return 'no room';
      throw error;
    }
  }
}

function noRoom({ path, attributes: { size } }: FoundStage): CopyError {
  const what = `${cleanText(path)} (${formatSize(size)}), which another run has staged`;
  const message = `The server has no room for a copy of ${what}.`;
  const advice = 'Run the same command with --no-resume, which removes that file, or make room.';
  return new CopyError('no-space', message, { advice });
}
