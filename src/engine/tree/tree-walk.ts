/**
 * Walks the tree of a source and finds out what is at its target: which directories and files exist there already,
 * and what earlier runs left. It goes on while files are copied, and waits when the listener has no room for more.
 *
 * Several directories are listed at once. A directory that finds no other walker free is walked by the one that has
 * found it before its siblings, so that there is no list of directories that have still to be walked.
 *
 * What can go wrong: a directory cannot be listed or created (it fails, and the rest goes on); a directory contains
 * itself, or is nested too deep (the same); the connection is gone for good (the walk rejects).
 */
import { CopyError } from '../../errors.ts';
import type { Attributes } from '../../remotes/remote.ts';
import { baseName, directoryName, joinPath } from '../../util/byte-path.ts';
import { bytesFromText, textFromBytes } from '../../util/bytes-text.ts';
import { cleanText } from '../../util/clean-text.ts';
import { isPartialName } from '../../util/partial-name.ts';
import { EntryBudget, type EntryList } from './entry-list.ts';
import type { Filters } from './filters.ts';
import { checkNames, type Objections } from './name-check.ts';
import { isSameDirectory } from './same-directory.ts';
import { TargetEntries } from './target-entries.ts';
import { TaskGroup } from './task-group.ts';
import { type DirectoryPlace, type DirectoryServices, TreeDirectory } from './tree-directory.ts';
import type { TreeSide } from './tree-side.ts';

/** Directories that are walked at once. */
const MAX_WALKERS = 64;
/** Directories above one another. */
const MAX_DEPTH = 256;
/** Entries that are looked at together: links are followed, and targets looked up, many at a time. */
const BATCH = 64;

export type Links = 'follow' | 'copy' | 'skip';

/** A file of a tree. */
export interface TreeFile {
  readonly source: Buffer;
  /** Of the source. */
  readonly attributes: Attributes;
  /** The path of what is going to be written. */
  readonly target: Buffer;
  /** What is going to be replaced; undefined: nothing. */
  readonly old: Attributes | undefined;
  /** The directory that it goes into. */
  readonly directory: TreeDirectory;
}

/** A link of a tree that is copied as a link. */
export interface TreeLink extends Omit<TreeFile, 'attributes'> {}

export interface WalkListener {
  /** Resolves when there is room for another file. */
  onFile(file: TreeFile): Promise<void>;
  onLink(link: TreeLink): Promise<void>;
  onFailed(source: Buffer, target: Buffer, error: CopyError): void;
  /** What is no file, directory or link, or a link that is to be skipped. */
  onSkipped(source: Buffer, what: 'special' | 'link'): void;
  /** What an earlier run left in a directory of the target. Resolves when there is room for another one. */
  onLeftover(path: Buffer, attributes: Attributes, directory: TreeDirectory): Promise<void>;
}

export interface WalkOptions {
  readonly source: TreeSide;
  readonly target: TreeSide;
  readonly filters: Filters;
  readonly links: Links;
  readonly preserve: boolean;
  readonly isDryRun: boolean;
  /** The target of the copy, if it is in the source: it is not copied into itself. */
  readonly excluded: Buffer | undefined;
  /** What no file of the target's system may be called; undefined: anything goes. */
  readonly refuseName: ((name: Buffer) => string | undefined) | undefined;
  /** Whether a directory of the target takes names for the same that differ in case only. */
  readonly foldsCase: (directory: Buffer) => Promise<boolean>;
  readonly onWarning: (message: string) => void;
}

interface Entry {
  readonly name: Buffer;
  readonly path: Buffer;
  /** Relative to the root, as filters want it. */
  readonly relative: string;
  readonly attributes: Attributes;
  /** What a link leads to; undefined: nothing, or it is no link that is followed. */
  readonly followed?: Attributes | undefined;
}

interface Walked {
  readonly directory: TreeDirectory;
  readonly relative: string;
  readonly there: TargetEntries;
}

/** By their path relative to the root. Undefined: it cannot be copied into. */
type Directories = Map<string, TreeDirectory | undefined>;

export class TreeWalk {
  readonly #options: WalkOptions;
  readonly #listener: WalkListener;
  readonly #budget = new EntryBudget();
  readonly #walkers = new TaskGroup(MAX_WALKERS);
  readonly #operations: DirectoryServices;
  /** What has ended the walk. */
  #failure: CopyError | undefined;

  constructor(options: WalkOptions, tasks: TaskGroup, listener: WalkListener) {
    this.#options = options;
    this.#listener = listener;
    const { target, preserve, isDryRun, onWarning } = options;
    this.#operations = { target, preserve, isDryRun, onWarning, run: (work) => tasks.add(work) };
  }

  /**
   * Resolves when the whole tree was walked; its directories end when their last child has ended.
   * @throws {CopyError} scope `run`: nothing more can be found out
   */
  async walk(place: DirectoryPlace): Promise<void> {
    try {
      await this.#walk(new TreeDirectory(this.#operations, place), '');
    } finally {
      // Also after a failure, nothing is told to the listener when this has settled.
      await this.#walkers.ended();
    }
  }

  /** Copies only these paths below the root, with the directories on the way to them. Directories are not entered. */
  async walkOnly(place: DirectoryPlace, paths: readonly Buffer[]): Promise<void> {
    const root = new TreeDirectory(this.#operations, place);
    const directories: Directories = new Map([['', root]]);
    try {
      await root.ready();
      for (let offset = 0; offset < paths.length; offset += BATCH) {
        await this.#walkListed(directories, paths.slice(offset, offset + BATCH));
      }
    } catch (error) {
      // Nothing below it has begun, because only the root itself fails here.
      return this.#failed(root, error);
    }
    for (const directory of directories.values()) directory?.end(false);
  }

  async #walkListed(directories: Directories, paths: readonly Buffer[]): Promise<void> {
    const entries: [Walked, Entry][] = [];
    for (const path of paths) {
      const directory = await this.#listedDirectory(directories, directoryName(path));
      if (directory === undefined) continue;
      const there = this.#entriesAt(directory);
      const name = baseName(path);
      const walked = { directory, relative: textFromBytes(directoryName(path)), there };
      const attributes = { kind: 'other', size: 0 } as const;
      entries.push([
        walked,
        { name, path: joinPath(directory.place.source, name), relative: textFromBytes(path), attributes },
      ]);
    }
    const looked = await Promise.all(entries.map((listed) => this.#lookAtListed(listed)));
    for (const [index, entry] of looked.entries()) {
      const [walked] = entries[index]!;
      if (entry === undefined) continue;
      const isDirectory = (entry.followed ?? entry.attributes).kind === 'directory';
      if (isDirectory) await this.#listedDirectory(directories, Buffer.from(bytesFromText(entry.relative)));
      else await this.#copy(walked, entry);
    }
  }

  async #lookAtListed([walked, entry]: readonly [Walked, Entry]): Promise<Entry | undefined> {
    const { path, name } = entry;
    const target = joinPath(walked.directory.place.target, name);
    try {
      const [attributes] = await Promise.all([this.#options.source.lstat(path), walked.there.lookAt([name])]);
      if (attributes !== undefined) return await this.#followed(walked, { ...entry, attributes });
      this.#listener.onFailed(path, target, new CopyError('source-missing', `${cleanText(path)} does not exist.`));
    } catch (error) {
      this.#refused(path, target, error);
    }
    return undefined;
  }

  /** The directory of this path, relative to the root. Undefined: it cannot be copied into, which was reported. */
  async #listedDirectory(directories: Directories, path: Buffer): Promise<TreeDirectory | undefined> {
    const relative = textFromBytes(path);
    if (directories.has(relative)) return directories.get(relative);
    const parent = await this.#listedDirectory(directories, directoryName(path));
    const directory = parent && (await this.#madeDirectory(parent, path, relative));
    directories.set(relative, directory);
    return directory;
  }

  async #madeDirectory(parent: TreeDirectory, path: Buffer, relative: string): Promise<TreeDirectory | undefined> {
    const name = baseName(path);
    const source = joinPath(parent.place.source, name);
    const there = this.#entriesAt(parent);
    try {
      const attributes = await this.#options.source.stat(source);
      if (attributes?.kind !== 'directory')
        throw new CopyError('source-missing', `${cleanText(source)} is no directory.`);
      const entry: Entry = { name, path: source, relative, attributes, followed: attributes };
      const directory = await this.#directoryOf({ directory: parent, relative: '', there }, entry);
      await directory.ready();
      return directory;
    } catch (error) {
      this.#refused(source, joinPath(parent.place.target, name), error);
      return undefined;
    }
  }

  #entriesAt(directory: TreeDirectory): TargetEntries {
    const { target, links } = this.#options;
    return new TargetEntries(target, directory, this.#budget, links !== 'copy');
  }

  #refused(source: Buffer, target: Buffer, error: unknown): 'refused' {
    const failure = CopyError.from(error);
    if (failure.scope !== 'file') throw failure;
    this.#listener.onFailed(source, target, failure);
    return 'refused';
  }

  /** Walks a directory, and ends it. */
  async #walk(directory: TreeDirectory, relative: string): Promise<void> {
    const { source } = this.#options;
    const there = this.#entriesAt(directory);
    let entries: EntryList | undefined;
    try {
      const listing = source.list(directory.place.source, {
        budget: this.#budget,
        onRefused: (name) => this.#refuse(directory, name),
      });
      const [listed, ...others] = await Promise.allSettled([listing, directory.ready(), there.list()]);
      // Where one of them has failed, what the others have listed is given back all the same.
      if (listed.status === 'fulfilled') entries = listed.value;
      for (const one of [...others, listed]) if (one.status === 'rejected') throw one.reason;
      await this.#tellLeftovers(there, directory);
      await this.#walkEntries({ directory, relative, there }, entries!);
      directory.end(false);
    } catch (error) {
      this.#failed(directory, error);
    } finally {
      entries?.release();
      there.release();
    }
  }

  #failed(directory: TreeDirectory, error: unknown): void {
    const failure = CopyError.from(error);
    if (failure.scope !== 'file') {
      this.#failure ??= failure;
      throw failure;
    }
    const { source, target } = directory.place;
    this.#listener.onFailed(source, target, failure);
    directory.end(false);
  }

  #refuse({ place }: TreeDirectory, name: Uint8Array): void {
    const where = cleanText(place.source);
    const message = `The server lists ${name.length === 0 ? 'an empty name' : cleanText(name)} in ${where}, which is not a name.`;
    const advice = 'Do not trust what this server lists; the other files are copied.';
    this.#listener.onFailed(place.source, place.target, new CopyError('protocol', message, { scope: 'file', advice }));
  }

  async #tellLeftovers(there: TargetEntries, directory: TreeDirectory): Promise<void> {
    for (const { name, attributes } of there.partials()) {
      await this.#listener.onLeftover(joinPath(directory.place.target, name), attributes, directory);
    }
  }

  async #walkEntries(walked: Walked, entries: EntryList): Promise<void> {
    const { source, refuseName, isDryRun, foldsCase } = this.#options;
    const { target } = walked.directory.place;
    const objections = await checkNames(entries, {
      mayRepeat: source.isLocal,
      refuseName,
      foldsCase: async () => {
        if (isDryRun) return false;
        // Finding that out may change the time of the directory.
        walked.directory.begin();
        return foldsCase(target).finally(() => walked.directory.end(true));
      },
    });
    for (let offset = 0; offset < entries.length; offset += BATCH) {
      if (this.#failure !== undefined) throw this.#failure;
      const batch: Entry[] = [];
      for (let index = offset; index < Math.min(offset + BATCH, entries.length); index++) {
        const entry = this.#entryOf(walked, entries, index, objections);
        if (entry !== undefined) batch.push(entry);
      }
      await walked.there.lookAt(batch.map(({ name }) => name));
      const followed = await Promise.all(batch.map((entry) => this.#followed(walked, entry)));
      for (const entry of followed) if (entry !== undefined) await this.#copy(walked, entry);
    }
  }

  /** Undefined: it is not to be copied. */
  #entryOf(
    { directory, relative }: Walked,
    entries: EntryList,
    index: number,
    objections: Objections,
  ): Entry | undefined {
    // The list may be given back before the name is used.
    const name = Buffer.from(entries.name(index));
    const path = joinPath(directory.place.source, name);
    if (isPartialName(name)) return undefined;
    const attributes = entries.attributes(index);
    const entry = { name, path, relative: relative + textFromBytes(name), attributes };
    const objection = objections(index);
    if (objection === undefined) return entry;
    this.#listener.onFailed(path, joinPath(directory.place.target, name), objection);
    return undefined;
  }

  async #followed(walked: Walked, entry: Entry): Promise<Entry | undefined> {
    if (entry.attributes.kind !== 'link' || this.#options.links !== 'follow') return entry;
    const { path, name } = entry;
    const target = joinPath(walked.directory.place.target, name);
    const { filters } = this.#options;
    // Whether it leads to a directory is not known yet.
    if (!filters.allows(entry.relative, false) && !filters.allows(entry.relative, true)) return undefined;
    try {
      const followed = await this.#options.source.stat(path);
      if (followed !== undefined) return { ...entry, followed };
      if (!filters.allows(entry.relative, false)) return undefined;
      const message = `${cleanText(path)} is a symbolic link to something that does not exist.`;
      const advice = 'Use --links copy, which copies the link itself, or --links skip.';
      this.#listener.onFailed(path, target, new CopyError('source-missing', message, { advice }));
    } catch (error) {
      this.#refused(path, target, error);
    }
    return undefined;
  }

  async #copy(walked: Walked, entry: Entry): Promise<void> {
    const { filters, links } = this.#options;
    const { path } = entry;
    const attributes = entry.followed ?? entry.attributes;
    const { kind } = attributes;
    if (!filters.allows(entry.relative, kind === 'directory')) return;
    if (kind === 'other') return this.#listener.onSkipped(path, 'special');
    if (kind === 'link' && links === 'skip') return this.#listener.onSkipped(path, 'link');
    try {
      if (kind === 'directory') return await this.#descend(walked, entry);
      await (kind === 'link' ? this.#copyLink(walked, entry) : this.#copyFile(walked, entry, attributes));
    } catch (error) {
      this.#refused(path, joinPath(walked.directory.place.target, entry.name), error);
    }
  }

  async #copyFile({ directory, there }: Walked, { name, path }: Entry, attributes: Attributes): Promise<void> {
    const { path: target, old } = await there.fileAt(name);
    directory.begin();
    await this.#listener.onFile({ source: path, attributes, target, old, directory });
  }

  async #copyLink({ directory, there }: Walked, { name, path }: Entry): Promise<void> {
    const { path: target, old } = await there.linkAt(name);
    directory.begin();
    await this.#listener.onLink({ source: path, target, old, directory });
  }

  async #descend(walked: Walked, entry: Entry): Promise<void> {
    const { excluded } = this.#options;
    const directory = await this.#directoryOf(walked, entry);
    if (excluded?.equals(directory.place.realSource)) return directory.end(false);
    const walk = (): Promise<void> => this.#walk(directory, `${entry.relative}/`);
    if (!this.#walkers.tryAdd(walk)) await walk();
  }

  async #directoryOf(
    { directory: parent, there }: Walked,
    { name, path, attributes, followed }: Entry,
  ): Promise<TreeDirectory> {
    const { source } = this.#options;
    const realSource = followed === undefined ? joinPath(parent.place.realSource, name) : await source.realPath(path);
    if (followed !== undefined && isSameDirectory(parent, realSource)) {
      throw new CopyError('source-unsupported', `${cleanText(path)} leads back to a directory that contains it.`, {
        advice: 'Use --links copy, which copies the link itself, or --links skip.',
      });
    }
    if (parent.depth >= MAX_DEPTH) {
      throw new CopyError('source-unsupported', `${cleanText(path)} is nested too deep (${MAX_DEPTH} directories).`, {
        advice: 'Copy it by a command of its own.',
      });
    }
    const { path: target, existing, link } = await there.directoryAt(name);
    if (link !== undefined && !this.#options.isDryRun) await this.#options.target.remove(target);
    return new TreeDirectory(
      this.#operations,
      { source: path, realSource, target, attributes: followed ?? attributes, existing },
      parent,
    );
  }
}
