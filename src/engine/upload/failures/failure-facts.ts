/** The facts about a failed file job and its target by which the failure is explained. */
import type { CopyError } from '../../../errors.ts';
import type { Attributes, Situation } from '../../../remotes/remote.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { formatSize } from '../../../util/format-size.ts';

/** If fewer bytes than this are available, a server that only answers "failure" is taken to have no room. */
const SPACE_TO_SPARE = 1024 * 1024;

/** The file job that failed. */
export interface FailedJob {
  readonly target: Uint8Array;
  readonly size: number;
  /** Bytes that the server has acknowledged, those of earlier runs included. */
  readonly bytesThere: number;
  /** Whether the target itself was written. */
  readonly inplace: boolean;
  /**
   * What becomes of the partial file. `known`: a journal names it, so that another run continues or removes it.
   * `removed`: no other run would have known of it. `left`: it stays.
   */
  readonly partial: 'known' | 'removed' | 'left';
  /** Bytes of the old file when the job began; undefined: there was none. */
  readonly oldSize: number | undefined;
}

export type Cause =
  | 'read-only'
  | 'no-files'
  | 'no-room'
  | 'quota'
  | 'file-size'
  | 'directory'
  | 'name'
  | 'rename'
  | 'old-file'
  | 'partial-gone'
  | 'unknown';

export class FailureFacts {
  readonly failure: CopyError;
  readonly job: FailedJob;
  readonly #situation: Situation;

  constructor(failure: CopyError, situation: Situation, job: FailedJob) {
    this.failure = failure;
    this.#situation = situation;
    this.job = job;
  }

  get cause(): Cause {
    const { space } = this.#situation;
    const { code, refused, message } = this.failure;
    if (space?.isReadOnly) return 'read-only';
    if (/\bquota\b/i.test(refused?.text ?? message)) return 'quota';
    if (code === 'rename-refused') return 'rename';
    if (code === 'partial-refused') return this.isPartialGone ? 'partial-gone' : 'unknown';
    if (refused?.operation === 'open' || refused?.operation === 'make directory') return this.#causeOfCreating;
    if (code === 'no-space' || ['write', 'close', 'sync'].includes(refused?.operation ?? ''))
      return this.#causeOfWriting;
    return 'unknown';
  }

  /** The cause where no file could be created, or the target could not be opened. */
  get #causeOfCreating(): Cause {
    const { space, trial } = this.#situation;
    if (this.job.inplace && this.hasOld) return 'old-file';
    if (trial?.creates) return this.isDirectory ? 'unknown' : 'name';
    if (trial === undefined) return this.failure.code === 'no-space' ? 'no-room' : 'unknown';
    if (space?.availableFiles === 0) return 'no-files';
    if (this.failure.code === 'no-space' || (this.#saysNothing && this.#hasNoRoom)) return 'no-room';
    return 'directory';
  }

  get #causeOfWriting(): Cause {
    const { space, trial } = this.#situation;
    const { code } = this.failure;
    if (this.#hasNoRoom) return 'no-room';
    const takesNothing = trial?.creates === false || trial?.writes === false;
    if (code === 'no-space') {
      if (space === undefined) return 'no-room';
      // proftpd speaks of the disk also where a file may not be longer.
      return takesNothing ? 'quota' : trial?.writes && this.missing === 0 ? 'file-size' : 'no-room';
    }
    if (code !== 'destination-refused' || trial === undefined) return 'unknown';
    return takesNothing ? 'quota' : trial.writes ? 'file-size' : 'unknown';
  }

  get #hasNoRoom(): boolean {
    const { space } = this.#situation;
    return space !== undefined && space.availableBytes <= SPACE_TO_SPARE;
  }

  /** Whether the server only answered that it failed. */
  get #saysNothing(): boolean {
    return isBare(this.failure);
  }

  get isDirectory(): boolean {
    return this.failure.refused?.operation === 'make directory';
  }

  get hasOld(): boolean {
    return attributesOf(this.#situation.target) !== undefined;
  }

  get isOldUnknown(): boolean {
    return this.#situation.target === undefined;
  }

  /** Whether a trial has shown that the old file itself may be written. */
  get mayWriteOld(): boolean {
    return !this.job.inplace && this.hasOld && this.#situation.isTargetWritable === true;
  }

  get isOldWritable(): boolean | undefined {
    return this.#situation.isTargetWritable;
  }

  get trial(): Situation['trial'] {
    return this.#situation.trial;
  }

  get space(): Situation['space'] {
    return this.#situation.space;
  }

  get target(): string {
    return cleanText(this.job.target);
  }

  get partial(): string | undefined {
    const { staged } = this.#situation;
    return staged && cleanText(staged.path);
  }

  get isPartialGone(): boolean {
    return this.#situation.staged?.at === 'missing';
  }

  /**
   * About how many bytes of the disk the partial file occupies. Its size may include holes, and the acknowledged bytes
   * may include some that the server did not store.
   */
  get occupied(): number {
    return Math.min(attributesOf(this.#situation.staged?.at)?.size ?? 0, this.job.bytesThere);
  }

  /**
   * Whether the new file would fit into what is available together with the room of the old file and of the partial
   * file.
   */
  get fitsInPlace(): boolean {
    const own = attributesOf(this.#situation.target)?.size ?? 0;
    if (own >= this.job.size) return true;
    const { space } = this.#situation;
    if (space === undefined) return false;
    const freed = this.job.partial === 'removed' || this.removesPartial ? this.occupied : 0;
    return space.availableBytes + own + freed >= this.job.size;
  }

  /** Whether a run with `--inplace` would remove the partial file first. */
  get removesPartial(): boolean {
    return this.job.partial === 'known' && !this.isPartialKept && this.occupied > 0;
  }

  /** Whether a trial has shown that the partial file cannot be removed. */
  get isPartialKept(): boolean {
    return this.trial?.removes === false;
  }

  /** Bytes for which there is no room; undefined: not known. */
  get missing(): number | undefined {
    const { space } = this.#situation;
    const { inplace, bytesThere, oldSize = 0 } = this.job;
    const there = inplace ? Math.max(bytesThere, oldSize) : this.occupied;
    return space && Math.max(0, this.job.size - there - space.availableBytes);
  }

  /** A part of a sentence on what is left of the partial file; empty: nothing is. */
  get leftOver(): string {
    if (this.partial === undefined) return '';
    if (this.isPartialGone) return `the partial file ${this.partial} is not there`;
    if (this.occupied === 0) return '';
    if (this.job.partial === 'removed') {
      return `the partial file ${this.partial}, which occupied about ${formatSize(this.occupied)}, was removed`;
    }
    const kept = this.isPartialKept ? ', and may not be removed' : '';
    return `the partial file ${this.partial} occupies about ${formatSize(this.occupied)}${kept}`;
  }

  /** A sentence on a file that the trial has left behind; empty: it left none. */
  get remark(): string {
    const left = this.#situation.trial?.leftBehind;
    return left === undefined
      ? ''
      : `A file that was created to find this out could not be removed: ${cleanText(left)}.`;
  }
}

function attributesOf(found: Attributes | 'missing' | undefined): Attributes | undefined {
  return found === 'missing' ? undefined : found;
}

/** Whether the server only answered that it failed, without a reason. */
export function isBare({ refused }: CopyError): boolean {
  return refused !== undefined && /^(failure)?\.?$/i.test(refused.text);
}
