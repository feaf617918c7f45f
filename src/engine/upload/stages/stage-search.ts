/**
 * What others staged for a target: another machine, or an earlier run on this one of which no journal tells. It is never
 * written to, because whoever staged it may still do so; the server copies it.
 */
import { setTimeout } from 'node:timers/promises';
import { CopyError } from '../../../errors.ts';
import type { Attributes, CopiedStage, DrawnStage, FoundStage, Range, StageToken } from '../../../remotes/remote.ts';
import type { ConnectionAccess } from '../../connections/connection-access.ts';
import { isAllAlike } from '../../local/local-source.ts';
import { differingSamples } from '../../resume/sample-claims.ts';

const LOOK_AGAIN_MS = 3000;
/** Places of a staged file that are compared before it is copied. */
const SAMPLES = 16;
/** Bytes of one of them. */
const SAMPLE_LENGTH = 4096;
/** Staged files of one target that are compared, the largest first. */
const MAX_COMPARED = 4;
/** Nobody has written to it for so long: whoever staged it is not at work any more. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;
/** On how many connections a copy is tried. */
const COPY_ATTEMPTS = 2;

/** Does something on an open connection of this thread; see `ConnectionAccess`. */
export type StageAccess = Pick<ConnectionAccess, 'onConnection'>;

export interface SearchedFile {
  readonly target: Uint8Array;
  /** The local file, and its length in bytes. */
  readonly fd: number;
  readonly size: number;
  /** Between two looks at what somebody may be writing. Default: 3000. */
  readonly lookAgainMs?: number | undefined;
}

/** What the server has copied, and under which name. */
export type StageCopy = DrawnStage & CopiedStage;

export class StageSearch {
  readonly #access: StageAccess;
  readonly #file: SearchedFile;

  constructor(access: StageAccess, file: SearchedFile) {
    this.#access = access;
    this.#file = file;
  }

  /** Everything that is staged, what this run stages meanwhile included; nothing where the server does not let us look. */
  async find(): Promise<readonly FoundStage[]> {
    try {
      return await this.#access.onConnection((_, remote) => remote.findStaged(this.#file.target));
    } catch (error) {
      const { scope } = CopyError.from(error);
      if (scope === 'connection' || scope === 'run') throw error;
      return [];
    }
  }

  /**
   * Looks a second time, some seconds later. Resolves with those that have not changed; with none where `signal` ends the
   * waiting.
   * @throws {CopyError} `target-busy`: another machine is at work on this target; its lock cannot be seen from here
   */
  async atRest(found: readonly FoundStage[], signal: AbortSignal): Promise<readonly FoundStage[]> {
    await pause(this.#file.lookAgainMs ?? LOOK_AGAIN_MS, signal);
    if (signal.aborted) return [];
    const looks = await this.#access.onConnection((_, remote) =>
      Promise.all(found.map(async (stage) => ({ stage, now: await remote.lookAt(stage.token) }))),
    );
    const resting: FoundStage[] = [];
    for (const { stage, now } of looks) {
      if (now === undefined) continue;
      // As it was found: whoever compared samples meanwhile has changed the time of the last access.
      if (isSame(now, stage.attributes)) resting.push(stage);
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

  /**
   * Those that nobody has touched for a day by the server's clock, which `own`, just created, tells. The time of the last
   * change does not tell when a file was sealed, because it is then set to that of the source; the other time does.
   */
  async abandoned(found: readonly FoundStage[], own: StageToken): Promise<readonly FoundStage[]> {
    const created = await this.#access.onConnection((_, remote) => remote.lookAt(own));
    const nowMs = created?.mtimeMs;
    if (nowMs === undefined) return [];
    return found.filter(({ attributes: { mtimeMs = nowMs, atimeMs = nowMs } }) => {
      return nowMs - Math.max(mtimeMs, atimeMs) > ABANDONED_MS;
    });
  }

  /** Bytes that may be written on the server beside `own`; undefined: nobody knows. */
  freeSpace(own: StageToken): Promise<number | undefined> {
    return this.#access.onConnection((_, remote) => remote.freeSpace(own));
  }

  /** Whether all of them are gone. */
  async discard(tokens: readonly StageToken[]): Promise<boolean> {
    const gone = await this.#access.onConnection((_, remote) => Promise.all(tokens.map((one) => remote.discard(one))));
    return gone.every((isGone) => isGone);
  }

  /**
   * Has the server copy `stage`. `onDrawn` is told of each name that is used for that, before anything is there. Undefined
   * where the server cannot copy, or `signal` ended it.
   * @throws {CopyError} of the destination: the server refuses; or scope `connection`
   */
  copyOf(
    { token }: FoundStage,
    onDrawn: (copy: DrawnStage) => void,
    signal: AbortSignal,
  ): Promise<StageCopy | undefined> {
    return this.#access.onConnection(
      async (_, remote) => {
        const drawn = remote.drawStage(this.#file.target);
        onDrawn(drawn);
        const copied = await remote.copyStaged(token, drawn.token, signal);
        return copied && { ...drawn, ...copied };
      },
      // The copy may be what makes the server hang up.
      { attempts: COPY_ATTEMPTS },
    );
  }

  /** At how many places it has what the local file has; places that are all alike count only if there are no others. */
  async #score({ path, attributes }: FoundStage): Promise<number> {
    const samples = samplesOf(Math.min(attributes.size, this.#file.size));
    if (samples.length === 0) return 0;
    const differing = await this.#differing(path, samples);
    if (differing === undefined) return 0;
    const telling: Range[] = [];
    for (const sample of samples) if (!(await isAllAlike(this.#file.fd, sample))) telling.push(sample);
    return (telling.length > 0 ? telling : samples).filter(({ offset }) => !differing.has(offset)).length;
  }

  /** Undefined where it cannot be read. It is opened for reading alone, because somebody else may still write it. */
  async #differing(path: Uint8Array, samples: readonly Range[]): Promise<Set<number> | undefined> {
    try {
      return await this.#access.onConnection(async (_, remote) => {
        const file = await remote.open(path);
        try {
          return await differingSamples((slices, drain) => file.read(slices, drain), this.#file.fd, samples);
        } finally {
          await file.close();
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

/** Resolves early where `signal` ends the waiting. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // Nothing but the signal makes it reject.
  await setTimeout(ms, undefined, { signal }).catch(() => {});
}
