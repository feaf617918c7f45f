/**
 * Plans the trees of a transfer, in either direction: walks each source, creates the directories of the target, and
 * tells which files have to be copied.
 */
import { CopyError } from '../../errors.ts';
import type { Attributes } from '../../remotes/remote.ts';
import { baseName, isDots, joinPath, withoutLastDot } from '../../util/byte-path.ts';
import { textFromBytes } from '../../util/bytes-text.ts';
import { cleanText } from '../../util/clean-text.ts';
import { ABANDONED_MS, newMarkName } from '../../util/partial-name.ts';
import type { JournalStore } from '../resume/file-journal.ts';
import { TreeNote } from '../resume/tree-note.ts';
import type { Filters } from '../tree/filters.ts';
import { TaskGroup } from '../tree/task-group.ts';
import type { TreeDirectory } from '../tree/tree-directory.ts';
import type { TreeSide } from '../tree/tree-side.ts';
import { type Links, type TreeFile, type TreeLink, TreeWalk } from '../tree/tree-walk.ts';
import type { Destination, DirectoryTarget } from './destination.ts';
import type { PlannedFile, Report, UnplannedFile } from './direction.ts';
import { MAX_SMALL_FILE } from './small-file-lane.ts';
import { TakenTargets } from './taken-targets.ts';
import { decide, modeToSet, type UpToDateOptions } from './up-to-date.ts';

/** Operations on directories and links at a time. */
const MAX_OPERATIONS = 64;
/** Messages of one kind; how many more there were is told at the end. */
const MAX_MESSAGES = 10;

export interface TreeOptions extends UpToDateOptions {
  readonly filters: Filters;
  readonly links: Links;
  /** The only paths below the one source that are copied; undefined: all are. */
  readonly only: readonly Buffer[] | undefined;
  readonly isDryRun: boolean;
}

/** A directory that was named as a source. */
export interface SourceTree {
  readonly path: Buffer;
  /** The name that it gets in a target directory; empty, or dots: only its contents are copied. */
  readonly name: Buffer;
  readonly attributes: Attributes;
}

interface PlacedTree {
  readonly tree: SourceTree;
  readonly realSource: Buffer;
  readonly place: DirectoryTarget;
  /** The target, if it is in the source. */
  readonly excluded: Buffer | undefined;
}

export interface TreeSides {
  readonly source: TreeSide;
  readonly target: TreeSide;
  readonly destination: Destination;
  readonly direction: 'upload' | 'download';
  readonly journals: JournalStore | undefined;
  /** What no file of the target's system may be called; undefined: anything goes. */
  readonly refuseName: ((name: Buffer) => string | undefined) | undefined;
}

export interface TreePlanListener {
  /** A file is to be copied. Resolves when there is room for another one. */
  onFile(file: TreeFile, isCompared: boolean): Promise<void>;
  onSkipped(paths: PlannedFile['paths'], size: number): void;
  onMade(paths: PlannedFile['paths']): void;
  /** A dry run would remove what an earlier run has left. */
  onWouldRemove(path: Buffer, size: number): void;
  onFailed(failed: UnplannedFile): void;
}

export class TreePlan {
  readonly #sides: TreeSides;
  readonly #options: TreeOptions;
  readonly #report: Report;
  readonly #listener: TreePlanListener;
  readonly #tasks = new TaskGroup(MAX_OPERATIONS);
  readonly #messages: Map<string, number> = new Map();
  /** Targets of sources, so that two of them do not become the same directory. */
  readonly #roots: Map<string, SourceTree> = new Map();
  #targetNow: Promise<number | undefined> | undefined;
  /** Whether the contents of several sources go to one directory, so that two of them may be the same file. */
  #isMerging = false;
  readonly #taken: TakenTargets = new TakenTargets();
  /** That this run creates the destination. */
  #note: TreeNote | undefined;

  constructor(sides: TreeSides, options: TreeOptions, report: Report, listener: TreePlanListener) {
    this.#sides = sides;
    this.#options = options;
    this.#report = report;
    this.#listener = listener;
  }

  /** @throws {CopyError} scope `run`: nothing more can be planned */
  async plan(trees: readonly SourceTree[]): Promise<void> {
    const placed: PlacedTree[] = [];
    // All before the first is walked: a link that is made for one tree does not lead the next one elsewhere.
    for (const tree of trees) {
      await this.#orFailed(tree, async () => {
        placed.push(await this.#place(tree));
      });
    }
    for (const one of placed) await this.#orFailed(one.tree, () => this.#walk(one));
    for (const [kind, count] of this.#messages) {
      if (count > MAX_MESSAGES) this.#report.notice('skipped', `${count - MAX_MESSAGES} more were skipped: ${kind}.`);
    }
  }

  /** Every file is where it belongs: the same command is a new one from now on. */
  async succeeded(): Promise<void> {
    await this.#note?.remove();
  }

  /** Resolves when the directories of the trees have their modes and times; their files have ended before. */
  settled(): Promise<void> {
    return this.#tasks.ended();
  }

  async #orFailed(tree: SourceTree, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const failure = CopyError.from(error);
      if (failure.scope === 'run') throw failure;
      this.#failed(tree.path, Buffer.alloc(0), failure);
    }
  }

  async #place(tree: SourceTree): Promise<PlacedTree> {
    const { source, target, destination } = this.#sides;
    const { isDryRun, only } = this.#options;
    const isContents = only !== undefined || tree.name.length === 0 || isDots(tree.name);
    const realSource = await source.realPath(tree.path);
    const noteOf = (path: Buffer): TreeNote | undefined =>
      this.#sides.journals &&
      new TreeNote(this.#sides.journals, { direction: this.#sides.direction, source: realSource, target: path });
    const isOurs = async (path: Buffer): Promise<boolean> => (await noteOf(path)?.isThere()) ?? false;
    const place = await destination.directoryFor(asFiles(target), tree.name, isContents, isOurs);
    this.#takeRoot(tree, place, isContents);
    if (place.isOwn && !isDryRun) {
      this.#note = noteOf(place.path);
      await this.#note?.write();
    }
    const excluded = (await this.#isWithin(realSource, place)) ? place.path : undefined;
    if (excluded !== undefined) this.#failed(excluded, excluded, intoItself(tree.path, excluded));
    return { tree, realSource, place, excluded };
  }

  async #walk({ tree, realSource, place, excluded }: PlacedTree): Promise<void> {
    const { source, target, refuseName } = this.#sides;
    const { filters, links, preserve, isDryRun, only } = this.#options;
    const options = {
      source,
      target,
      filters,
      links,
      preserve,
      isDryRun,
      excluded,
      refuseName,
      foldsCase: (directory: Buffer) => this.#foldsCase(directory),
      onWarning: (message: string) => this.#report.notice('attributes', message, 'warning'),
    };
    const walk = new TreeWalk(options, this.#tasks, {
      onFile: (file) => this.#file(file),
      onLink: (link) => this.#tasks.add(() => this.#link(link)),
      onFailed: (from, to, error) => this.#failed(from, to, error),
      onSkipped: (path, what) => this.#skipped(path, what),
      onLeftover: (path, attributes, directory) => this.#leftover(path, attributes, directory),
    });
    const { attributes } = tree;
    const root = { source: withoutLastDot(tree.path), realSource, target: place.path, attributes, ...place };
    await (only === undefined ? walk.walk(root) : walk.walkOnly(root, only));
  }

  /** @throws {CopyError} `usage`: another source has this target */
  #takeRoot(tree: SourceTree, { path }: DirectoryTarget, isContents: boolean): void {
    const key = path.toString('latin1');
    const other = this.#roots.get(key);
    if (other !== undefined && !isContents) {
      const message = `${cleanText(other.path)} and ${cleanText(tree.path)} would become the same directory.`;
      throw new CopyError('usage', message, { scope: 'file', advice: 'Copy them to different directories.' });
    }
    this.#isMerging ||= other !== undefined;
    this.#roots.set(key, tree);
  }

  /** Whether the target of a tree is in its source, so that it must not be copied into itself. */
  async #isWithin(realSource: Buffer, { path, existing }: DirectoryTarget): Promise<boolean> {
    const { source, target } = this.#sides;
    const above = realSource.at(-1) === SLASH ? realSource : Buffer.concat([realSource, Buffer.of(SLASH)]);
    if (!path.subarray(0, above.length).equals(above) || this.#options.isDryRun) return false;
    // The paths of two machines may be the same: only what is made on one side and seen on the other tells.
    const directory = existing === undefined ? realSource : path;
    const mark = markIn(directory);
    try {
      await target.makeLink(mark, Buffer.from('mtput'));
      const isSeen = (await source.lstat(mark)) !== undefined;
      await target.remove(mark);
      return isSeen;
    } catch (error) {
      const failure = CopyError.from(error);
      if (failure.scope !== 'file') throw failure;
      return false;
    }
  }

  async #file(file: TreeFile): Promise<void> {
    const { attributes, old, directory, target } = file;
    const clash = this.#isMerging ? this.#taken.take(target, file.source) : undefined;
    if (clash !== undefined) {
      directory.end(false);
      return this.#failed(file.source, target, clash);
    }
    const decision = decide(this.#options, attributes, old, attributes.size <= MAX_SMALL_FILE);
    if (decision !== 'skip') return this.#listener.onFile(file, decision === 'compare');
    const { preserve, isDryRun, ignoreExisting } = this.#options;
    const mode = preserve && !ignoreExisting && !isDryRun ? modeToSet(attributes, old) : undefined;
    if (mode !== undefined) await this.#tasks.add(() => this.#setMode(target, mode));
    this.#listener.onSkipped(pathsOf(file.source, target), attributes.size);
    directory.end(false);
  }

  async #setMode(target: Buffer, mode: number): Promise<void> {
    try {
      await this.#sides.target.setAttributes(target, { mode });
    } catch (error) {
      const failure = CopyError.from(error);
      if (failure.scope !== 'file') throw failure;
      this.#report.notice(
        'attributes',
        `The mode of ${cleanText(target)} could not be set: ${failure.message}`,
        'warning',
      );
    }
  }

  async #link({ source: from, target: to, old, directory }: TreeLink): Promise<void> {
    const { source, target } = this.#sides;
    let isChanged = false;
    try {
      const text = await source.readLink(from);
      const isSame = old?.kind === 'link' && (await target.readLink(to)).equals(text);
      if (!isSame && !this.#options.isDryRun) {
        await directory.ready();
        if (old !== undefined) await target.remove(to);
        await target.makeLink(to, text);
        isChanged = true;
        this.#listener.onMade(pathsOf(from, to));
      }
    } catch (error) {
      const failure = CopyError.from(error);
      if (failure.scope !== 'file') throw failure;
      this.#failed(from, to, failure);
    } finally {
      directory.end(isChanged);
    }
  }

  #skipped(path: Buffer, what: 'special' | 'link'): void {
    const kind = what === 'special' ? 'it is no file, directory or link' : 'it is a symbolic link';
    const count = (this.#messages.get(kind) ?? 0) + 1;
    this.#messages.set(kind, count);
    if (count <= MAX_MESSAGES) this.#report.notice('skipped', `${cleanText(path)} is skipped: ${kind}.`);
  }

  /** What nobody has written to for a day is of a run that has ended. */
  async #leftover(path: Buffer, { mtimeMs }: Attributes, directory: TreeDirectory): Promise<void> {
    // A file that was written today need not be looked at, unless the clocks of two machines differ by days.
    if (mtimeMs !== undefined && Date.now() - mtimeMs < ABANDONED_MS / 2) return;
    directory.begin();
    await this.#tasks.add(async () => {
      let isRemoved = false;
      try {
        isRemoved = await this.#removeLeftover(path, directory);
      } catch (error) {
        const failure = CopyError.from(error);
        if (failure.scope !== 'file') throw failure;
        const message = `${cleanText(path)}, which an earlier run has left, could not be removed: ${failure.message}`;
        this.#report.notice('left-over', message, 'warning');
      } finally {
        directory.end(isRemoved);
      }
    });
  }

  /** Whether the directory may have changed. */
  async #removeLeftover(path: Buffer, directory: TreeDirectory): Promise<boolean> {
    const { target } = this.#sides;
    const found = await target.lstat(path);
    if ((found?.kind !== 'file' && found?.kind !== 'link') || found.mtimeMs === undefined) return false;
    // A file that is about to be published has the time of its source already, and was given it just now.
    const touchedMs = Math.max(found.mtimeMs, found.atimeMs ?? Number.POSITIVE_INFINITY);
    if (this.#options.isDryRun) {
      if (Date.now() - touchedMs < ABANDONED_MS) return false;
      this.#listener.onWouldRemove(path, found.size);
      return false;
    }
    // Only where the clocks of two machines differ by hours could that be too old all the same.
    if (Date.now() - touchedMs < ABANDONED_MS / 2) return false;
    await directory.ready();
    this.#targetNow ??= this.#askTargetNow(directory.place.target);
    const nowMs = await this.#targetNow;
    if (nowMs !== undefined && nowMs - touchedMs >= ABANDONED_MS) await target.remove(path);
    // The clock may have been asked for in this directory, which has changed its time.
    return true;
  }

  /** Whether a directory of the target takes names for the same that differ in case only. */
  async #foldsCase(directory: Buffer): Promise<boolean> {
    const { target } = this.#sides;
    const mark = markIn(directory);
    const inCapitals = joinPath(directory, Buffer.from(baseName(mark).toString('latin1').toUpperCase()));
    try {
      await target.makeLink(mark, Buffer.from('mtput'));
      const isSame = (await target.lstat(inCapitals)) !== undefined;
      await target.remove(mark);
      return isSame;
    } catch (error) {
      const failure = CopyError.from(error);
      if (failure.scope !== 'file') throw failure;
      return false;
    }
  }

  /** By the clock of the target's file system. Undefined: it cannot be found out. */
  async #askTargetNow(directory: Buffer): Promise<number | undefined> {
    const { target } = this.#sides;
    const mark = markIn(directory);
    await target.makeLink(mark, Buffer.from('mtput'));
    const made = await target.lstat(mark);
    await target.remove(mark);
    return made?.mtimeMs;
  }

  #failed(source: Buffer, target: Buffer, error: CopyError): void {
    this.#listener.onFailed({ paths: pathsOf(source, target), size: 0, isStream: false, error });
  }
}

const SLASH = 0x2f;

function intoItself(source: Buffer, target: Buffer): CopyError {
  const message = `${cleanText(target)} is in ${cleanText(source)}: the destination is not copied into itself.`;
  return new CopyError('source-unsupported', message, { advice: 'Name a destination outside of the source.' });
}

function pathsOf(source: Buffer, target: Buffer): PlannedFile['paths'] {
  return { source: textFromBytes(source), target: textFromBytes(target) };
}

/**
 * A name for something that is made to be looked at and removed. It counts as what an earlier run has left, so that it
 * is removed a day later if this run is killed before.
 */
function markIn(directory: Buffer): Buffer {
  return joinPath(directory, newMarkName());
}

/** A side as the destination asks it. */
function asFiles(side: TreeSide): Parameters<Destination['directoryFor']>[0] {
  return {
    stat: (path) => side.stat(Buffer.from(path)),
    lstat: (path) => side.lstat(Buffer.from(path)),
    realPath: (path) => side.realPath(Buffer.from(path)),
    makeDirectory: (path) => side.makeDirectory(Buffer.from(path), undefined),
  };
}
