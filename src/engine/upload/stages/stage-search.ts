/**
 * Finds and examines what others staged for a target: a run on another machine, or an earlier run on this one that no
 * journal names. These files are never written to, because the run that staged them may still be writing; the server
 * copies them. The server also copies the old target, which stays until it is replaced.
 */
import { setTimeout } from 'node:timers/promises';
import { CopyError, isBeyondFile } from '../../../errors.ts';
import type { Attributes, CopiedStage, DrawnStage, FoundStage, StageToken } from '../../../remotes/remote.ts';
import { ABANDONED_MS } from '../../../util/partial-name.ts';
import type { ConnectionAccess } from '../../connections/connection-access.ts';
import { likeness } from '../../resume/likeness.ts';

const LOOK_AGAIN_MS = 3000;
/** Files that are compared for one target, the largest first. */
const MAX_COMPARED = 4;
/** On how many connections a copy is tried. */
const COPY_ATTEMPTS = 2;

/** Operations on open connections: see `ConnectionAccess`. */
export type StageAccess = Pick<ConnectionAccess, 'withConnection'>;

export interface SearchedFile {
  readonly target: Uint8Array;
  /** The local file, and its length in bytes. */
  readonly fd: number;
  readonly size: number;
  /** What is at the target; undefined: nothing. */
  readonly old?: Attributes | undefined;
  /** The time between two examinations of a file that another run may be writing, in milliseconds. Default: 3000. */
  readonly lookAgainMs?: number | undefined;
}

/** A file on the server that may have something of the source. */
export interface Candidate {
  /** Undefined: it is not staged, but the target. */
  readonly token?: StageToken;
  readonly path: Uint8Array;
  readonly attributes: Attributes;
}

/** A copy that the server has made, with its name. */
export type StageCopy = DrawnStage & CopiedStage;

export class StageSearch {
  readonly #access: StageAccess;
  readonly #file: SearchedFile;
  /** Bytes that a file seems to have of the source, by its samples. */
  readonly #scores: Map<Candidate, Promise<number>> = new Map();

  constructor(access: StageAccess, file: SearchedFile) {
    this.#access = access;
    this.#file = file;
  }

  /** Everything that is staged, including what this run stages; nothing if the server refuses to list the directory. */
  async find(): Promise<readonly FoundStage[]> {
    try {
      return await this.#access.withConnection((_, remote) => remote.findStaged(this.#file.target));
    } catch (error) {
      if (isBeyondFile(CopyError.from(error))) throw error;
      return [];
    }
  }

  /** The files that still exist; this run may have removed some of them. */
  async present(found: readonly FoundStage[]): Promise<readonly FoundStage[]> {
    if (found.length === 0) return found;
    const looks = await this.#looks(found);
    return looks.filter(({ now }) => now !== undefined).map(({ stage }) => stage);
  }

  /**
   * Examines the files a second time some seconds later. Resolves with those that have not changed; with none if
   * `signal` is aborted in the meantime.
   * @throws {CopyError} `target-busy`: one of them has changed, so that a run on another machine is at work on this
   *   target
   */
  async atRest(found: readonly FoundStage[], signal: AbortSignal): Promise<readonly FoundStage[]> {
    await pause(this.#file.lookAgainMs ?? LOOK_AGAIN_MS, signal);
    if (signal.aborted) return [];
    const looks = await this.#looks(found);
    const resting: FoundStage[] = [];
    for (const { stage, now } of looks) {
      if (now === undefined) continue;
      // Only size and mtime count: comparing samples changes the time of the last access.
      if (isSame(now, stage.attributes)) resting.push(stage);
      else if (stage.isCertain) throw busy();
    }
    return resting;
  }

  #looks(
    found: readonly FoundStage[],
  ): Promise<{ readonly stage: FoundStage; readonly now: Attributes | undefined }[]> {
    return this.#access.withConnection((_, remote) =>
      Promise.all(found.map(async (stage) => ({ stage, now: await remote.lookAt(stage.token) }))),
    );
  }

  /** The files of which at least one sample is the same as in the local file, the most promising first. */
  async matching(found: readonly Candidate[], signal: AbortSignal): Promise<readonly Candidate[]> {
    const largest = [...found].sort((a, b) => b.attributes.size - a.attributes.size).slice(0, MAX_COMPARED);
    const scored: { readonly candidate: Candidate; readonly score: number }[] = [];
    for (const candidate of largest) {
      if (signal.aborted) return [];
      const score = this.#scores.get(candidate) ?? this.#score(candidate);
      this.#scores.set(candidate, score);
      scored.push({ candidate, score: await score });
    }
    return scored
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score)
      .map(({ candidate }) => candidate);
  }

  /**
   * The files that were not touched for a day by the server's clock, which the time of `own`, just created, shows.
   * Sealing a file sets its mtime to that of the source, so that only its atime shows when that was.
   */
  async abandoned(found: readonly FoundStage[], own: StageToken): Promise<readonly FoundStage[]> {
    const created = await this.#access.withConnection((_, remote) => remote.lookAt(own));
    const nowMs = created?.mtimeMs;
    if (nowMs === undefined) return [];
    return found.filter(({ attributes: { mtimeMs = nowMs, atimeMs = nowMs } }) => {
      return nowMs - Math.max(mtimeMs, atimeMs) > ABANDONED_MS;
    });
  }

  /** Bytes that may be written on the file system of `own`; undefined: the server does not say. */
  freeSpace(own: StageToken): Promise<number | undefined> {
    return this.#access.withConnection((_, remote) => remote.freeSpace(own));
  }

  /** Removes the files. Returns whether all of them are gone. */
  async discard(tokens: readonly StageToken[]): Promise<boolean> {
    const gone = await this.#access.withConnection((_, remote) =>
      Promise.all(tokens.map((one) => remote.discard(one))),
    );
    return gone.every((isGone) => isGone);
  }

  /**
   * Has the server copy a file. `onDrawn` is called with each name that is used for that, before anything is there.
   * Undefined: the server cannot copy files, or `signal` was aborted.
   * @throws {CopyError} of the destination: the server refuses; scope `connection`: the connection was lost
   */
  copyOf(
    { token, path }: Candidate,
    onDrawn: (copy: DrawnStage) => void,
    signal: AbortSignal,
  ): Promise<StageCopy | undefined> {
    return this.#access.withConnection(
      async (_, remote) => {
        const drawn = remote.drawStage(this.#file.target);
        onDrawn(drawn);
        const copied = await remote.copyStaged(token ?? path, drawn.token, signal);
        return copied && { ...drawn, ...copied };
      },
      // The request may be the reason why the server closes the connection.
      { attempts: COPY_ATTEMPTS },
    );
  }

  /**
   * The score of a file, in bytes; 0 if it cannot be read. The file is only opened for reading, because another run may
   * still be writing it.
   */
  async #score({ path, attributes }: Candidate): Promise<number> {
    const length = Math.min(attributes.size, this.#file.size);
    try {
      return await this.#access.withConnection(async (_, remote) => {
        const file = await remote.open(path);
        try {
          return length * (await likeness((slices, drain) => file.read(slices, drain), this.#file.fd, length));
        } finally {
          await file.close();
        }
      });
    } catch (error) {
      if (isBeyondFile(CopyError.from(error))) throw error;
      return 0;
    }
  }
}

function isSame(one: Attributes, other: Attributes): boolean {
  return one.size === other.size && one.mtimeMs === other.mtimeMs;
}

function busy(): CopyError {
  return new CopyError('target-busy', 'Another machine is writing a partial file of the same target.');
}

/** Resolves after `ms`, or as soon as `signal` is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // Nothing but the signal makes it reject.
  await setTimeout(ms, undefined, { signal }).catch(() => {});
}
