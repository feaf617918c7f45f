/**
 * What others staged for a target: another machine, or an earlier run on this one of which no journal tells. It is never
 * written to, because whoever staged it may still do so; the server copies it.
 */
import { CopyError } from '../../errors.ts';
import type { Attributes, FoundStage, Range, StageToken } from '../../remotes/remote.ts';
import { isAllAlike } from '../local-source.ts';
import type { UploadContext } from '../upload-context.ts';
import { differingSamples } from './sample-claims.ts';

const LOOK_AGAIN_MS = 3000;
/** Places of a staged file that are compared before it is copied. */
const SAMPLES = 16;
/** Bytes of one of them. */
const SAMPLE_LENGTH = 4096;
/** Staged files of one target that are compared, the largest first. */
const MAX_COMPARED = 4;
/** Nobody has written to it for so long: whoever staged it is not at work any more. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

export interface SearchedFile {
  readonly target: Uint8Array;
  /** The local file, and its length in bytes. */
  readonly fd: number;
  readonly size: number;
  /** Between two looks at what somebody may be writing. Default: 3000. */
  readonly lookAgainMs?: number | undefined;
}

export class StageSearch {
  readonly #run: Pick<UploadContext, 'onConnection'>;
  readonly #file: SearchedFile;

  constructor(run: Pick<UploadContext, 'onConnection'>, file: SearchedFile) {
    this.#run = run;
    this.#file = file;
  }

  /** Everything that is staged, what this run stages meanwhile included; nothing where the server does not let us look. */
  async find(): Promise<readonly FoundStage[]> {
    try {
      return await this.#run.onConnection((_, remote) => remote.findStaged(this.#file.target));
    } catch (error) {
      const { scope } = CopyError.from(error);
      if (scope === 'connection' || scope === 'run') throw error;
      return [];
    }
  }

  /**
   * Looks a second time, some seconds later. Those that are as they were, as they look now; none where `signal` ends the
   * waiting.
   * @throws CopyError `target-busy`: another machine is at work on this target, whose lock is not seen from here
   */
  async atRest(found: readonly FoundStage[], signal: AbortSignal): Promise<readonly FoundStage[]> {
    await pause(this.#file.lookAgainMs ?? LOOK_AGAIN_MS, signal);
    if (signal.aborted) return [];
    const looks = await this.#run.onConnection((_, remote) =>
      Promise.all(found.map(async (stage) => ({ stage, now: await remote.lookAt(stage.token) }))),
    );
    const resting: FoundStage[] = [];
    for (const { stage, now } of looks) {
      if (now === undefined) continue;
      if (isSame(now, stage.attributes)) resting.push({ ...stage, attributes: now });
      else if (stage.isCertain) throw busy();
    }
    return resting;
  }

  /** Those that have something of the local file at one place at least, the most promising first. */
  async matching(found: readonly FoundStage[], signal: AbortSignal): Promise<readonly FoundStage[]> {
    const largest = [...found].sort((a, b) => b.attributes.size - a.attributes.size).slice(0, MAX_COMPARED);
    const scored: { readonly stage: FoundStage; readonly score: number }[] = [];
    for (const stage of largest) {
      if (signal.aborted) return [];
      scored.push({ stage, score: await this.#score(stage) });
    }
    return scored
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score)
      .map(({ stage }) => stage);
  }

  /** Those to which nobody has written for a day by the server's clock, which `own`, just created, tells. */
  async abandoned(found: readonly FoundStage[], own: StageToken): Promise<readonly FoundStage[]> {
    const created = await this.#run.onConnection((_, remote) => remote.lookAt(own));
    const nowMs = created?.mtimeMs;
    if (nowMs === undefined) return [];
    return found.filter(({ attributes }) => nowMs - (attributes.mtimeMs ?? nowMs) > ABANDONED_MS);
  }

  /** Bytes that may be written on the server beside `own`; undefined: nobody knows. */
  freeSpace(own: StageToken): Promise<number | undefined> {
    return this.#run.onConnection((_, remote) => remote.freeSpace(own));
  }

  async discard(tokens: readonly StageToken[]): Promise<void> {
    await this.#run.onConnection((_, remote) => Promise.all(tokens.map((token) => remote.discard(token))));
  }

  /**
   * A copy of `stage` that is ours; undefined where the server cannot copy.
   * @throws CopyError `no-space`
   */
  copyOf({ token }: FoundStage): Promise<StageToken | undefined> {
    return this.#run.onConnection(async (_, remote) => {
      const copy = await remote.copyStaged(token);
      await copy?.close();
      return copy?.token;
    });
  }

  /** At how many places it has what the local file has; places that are all alike count only if there are no others. */
  async #score({ token, attributes }: FoundStage): Promise<number> {
    const samples = samplesOf(Math.min(attributes.size, this.#file.size));
    if (samples.length === 0) return 0;
    const differing = await this.#differing(token, samples);
    if (differing === undefined) return 0;
    const telling: Range[] = [];
    for (const sample of samples) if (!(await isAllAlike(this.#file.fd, sample))) telling.push(sample);
    return (telling.length > 0 ? telling : samples).filter(({ offset }) => !differing.has(offset)).length;
  }

  /** Undefined where it cannot be read. */
  async #differing(token: StageToken, samples: readonly Range[]): Promise<Set<number> | undefined> {
    try {
      return await this.#run.onConnection(async (_, remote) => {
        const staged = await remote.reopen(token);
        if (staged === undefined) return undefined;
        try {
          return await differingSamples(staged, this.#file.fd, samples);
        } finally {
          await staged.close();
        }
      });
    } catch (error) {
      const { scope } = CopyError.from(error);
      if (scope === 'connection' || scope === 'run') throw error;
      return undefined;
    }
  }
}

/** Evenly spread over the first `length` bytes, ascending. */
function samplesOf(length: number): Range[] {
  const count = Math.min(SAMPLES, Math.floor(length / SAMPLE_LENGTH));
  if (count === 0) return length === 0 ? [] : [{ offset: 0, length }];
  const step = Math.floor(length / count);
  return Array.from({ length: count }, (_, index) => ({ offset: index * step, length: SAMPLE_LENGTH }));
}

function isSame(one: Attributes, other: Attributes): boolean {
  return one.size === other.size && one.mtimeMs === other.mtimeMs;
}

function busy(): CopyError {
  return new CopyError('target-busy', 'Another machine is writing a partial file of the same target.');
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}
