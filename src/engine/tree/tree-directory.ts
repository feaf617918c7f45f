/**
 * One directory of a tree that is being copied. It is created when the first of its children needs it, its parents
 * before it, and gets its mode and time when its last child has ended: a directory that is read-only at its source
 * could not be filled, and filling it changes its time.
 *
 * The states: untouched (nothing was asked of it), ready (it exists and may be filled), ended. What can go wrong: it
 * cannot be created, which is the failure of each of its children; its attributes cannot be set, which is a warning.
 */
import { CopyError } from '../../errors.ts';
import type { Attributes } from '../../remotes/remote.ts';
import { cleanText } from '../../util/clean-text.ts';
import { PERMISSION_BITS } from '../../util/permission-bits.ts';
import type { TreeSide } from './tree-side.ts';

/** What the owner of a directory needs to fill it. */
const FILLABLE = 0o300;
const OWNER = 0o700;

export interface DirectoryPlace {
  readonly source: Buffer;
  /** The source without links, to recognise a directory that contains itself. */
  readonly realSource: Buffer;
  readonly target: Buffer;
  /** Of the source. */
  readonly attributes: Attributes;
  /** The directory that is at the target already; undefined: none is. */
  readonly existing: Attributes | undefined;
  /** Whether an existing target keeps its attributes, because the user has named it as the place for the contents. */
  readonly isGiven?: boolean;
}

export interface DirectoryServices {
  readonly target: TreeSide;
  readonly preserve: boolean;
  /** Nothing is created or changed. */
  readonly isDryRun: boolean;
  readonly onWarning: (message: string) => void;
  /** Runs operations on directories, a bounded number at a time. */
  readonly run: (work: () => Promise<void>) => Promise<void>;
}

export class TreeDirectory {
  readonly place: DirectoryPlace;
  readonly parent: TreeDirectory | undefined;
  readonly depth: number;
  readonly #services: DirectoryServices;
  #ready: Promise<void> | undefined;
  /** Children that have not ended, and the walk through it. */
  #open = 1;
  /** Whether something in it was created or replaced. */
  #isChanged = false;
  /** Whether it exists and may be filled. Otherwise it gets no attributes. */
  #isReady = false;

  constructor(services: DirectoryServices, place: DirectoryPlace, parent?: TreeDirectory) {
    this.#services = services;
    this.place = place;
    this.parent = parent;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
    parent?.begin();
  }

  /** Resolves when it exists and may be filled. Rejects with why it cannot be. */
  ready(): Promise<void> {
    if (this.#ready === undefined) {
      this.#ready = this.#prepare();
      // Whoever needs it gets its failure.
      this.#ready.catch(() => {});
    }
    return this.#ready;
  }

  /** A child begins. */
  begin(): void {
    this.#open++;
  }

  /** A child has ended, or the walk through it has. `isChanged`: whether something in the directory has changed. */
  end(isChanged: boolean): void {
    this.#isChanged ||= isChanged;
    if (--this.#open > 0) return;
    void this.#services.run(() => this.#finish());
  }

  async #prepare(): Promise<void> {
    const { target: side, preserve, isDryRun } = this.#services;
    if (isDryRun) return;
    await this.parent?.ready();
    const { target, existing, attributes } = this.place;
    if (existing === undefined) {
      const mode = preserve && attributes.mode !== undefined ? (attributes.mode & PERMISSION_BITS) | OWNER : undefined;
      await side.makeDirectory(target, mode);
      this.#isChanged = true;
    } else if (existing.mode !== undefined && (existing.mode & FILLABLE) !== FILLABLE) {
      // Where this is refused, filling it shows whether that matters.
      await side.setAttributes(target, { mode: existing.mode | OWNER }).catch(throwBeyondFile);
      this.#isChanged = true;
    }
    this.#isReady = true;
  }

  async #finish(): Promise<void> {
    try {
      if (this.#isReady && !this.#services.isDryRun) await this.#setAttributes();
    } catch (error) {
      const failure = CopyError.from(error);
      if (failure.scope === 'run') throw failure;
      this.#warn(failure);
    } finally {
      this.parent?.end(this.#isChanged && this.place.existing === undefined);
    }
  }

  async #setAttributes(): Promise<void> {
    const { target: side, preserve } = this.#services;
    const { target, existing, attributes, isGiven = false } = this.place;
    if (this.#isChanged) await side.syncDirectory(target);
    if (!preserve || (isGiven && existing !== undefined)) {
      // What was changed to fill it is restored.
      if (this.#wasOpened) await side.setAttributes(target, { mode: existing!.mode! & PERMISSION_BITS });
      return;
    }
    const { mode: sourceMode, mtimeMs } = attributes;
    const mode = sourceMode === undefined ? undefined : sourceMode & PERMISSION_BITS;
    // Where it was created, the server may have applied a mask.
    const isModeRight = mode === undefined || (existing !== undefined && !this.#wasOpened && !isOther(existing, mode));
    const isTimeRight = mtimeMs === undefined || (!this.#isChanged && isSameSecond(existing?.mtimeMs, mtimeMs));
    if (!isModeRight) await side.setAttributes(target, { mode });
    if (!isTimeRight) await side.setAttributes(target, { mtimeMs });
  }

  /** Whether its mode was changed so that it can be filled. */
  get #wasOpened(): boolean {
    const mode = this.place.existing?.mode;
    return this.#isChanged && mode !== undefined && (mode & FILLABLE) !== FILLABLE;
  }

  #warn({ message }: CopyError): void {
    const what = `The mode or time of ${cleanText(this.place.target)} could not be set`;
    this.#services.onWarning(`${what}: ${message}`);
  }
}

function throwBeyondFile(error: unknown): void {
  if (CopyError.from(error).scope !== 'file') throw error;
}

/** Whether the mode is another one; other bits, such as setgid, stay as they are. */
function isOther({ mode }: Attributes, wanted: number): boolean {
  return mode !== undefined && (mode & PERMISSION_BITS) !== wanted;
}

/** Servers keep times in whole seconds. */
export function isSameSecond(one: number | undefined, other: number | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return Math.floor(one / 1000) === Math.floor(other / 1000);
}
