/**
 * What is in one directory of the target. The directory is listed once; where it cannot be listed, or has far more
 * entries than are asked for, each entry is looked at by its name. Links at the target are followed.
 */
import { CopyError } from '../../errors.ts';
import type { Attributes } from '../../remotes/remote.ts';
import { joinPath } from '../../util/byte-path.ts';
import { cleanText } from '../../util/clean-text.ts';
import { isMarkName, isPartialName } from '../../util/partial-name.ts';
import { type EntryBudget, type EntryList, MAX_ENTRIES } from './entry-list.ts';
import type { TreeDirectory } from './tree-directory.ts';
import type { TreeSide } from './tree-side.ts';

export interface FoundFile {
  /** With links followed. */
  readonly path: Buffer;
  /** Undefined: nothing. */
  readonly old: Attributes | undefined;
}

export interface FoundDirectory {
  readonly path: Buffer;
  readonly existing: Attributes | undefined;
  /** The link that the directory replaces; undefined: none. */
  readonly link?: Attributes;
}

export class TargetEntries {
  readonly #side: TreeSide;
  readonly #directory: TreeDirectory;
  readonly #budget: EntryBudget;
  readonly #followsLinks: boolean;
  #list: EntryList | undefined;
  /** What was looked at by its name. */
  #looked = new Map<string, Attributes | undefined>();

  /**
   * `followsLinks`: whether links at the target are followed. Where links are copied, what is there may be a link that
   * the other side has chosen, so that links are replaced.
   */
  constructor(side: TreeSide, directory: TreeDirectory, budget: EntryBudget, followsLinks: boolean) {
    this.#followsLinks = followsLinks;
    this.#side = side;
    this.#directory = directory;
    this.#budget = budget;
  }

  async list(): Promise<void> {
    if (this.#isNew) return;
    try {
      this.#list = await this.#side.list(this.#directory.place.target, { budget: this.#budget, limit: MAX_ENTRIES });
    } catch (error) {
      // Who may not list a directory may still write there.
      if (CopyError.from(error).scope !== 'file') throw error;
    }
  }

  /** To be called with the names before they are asked for: those that no list tells of are looked at together. */
  async lookAt(names: readonly Buffer[]): Promise<void> {
    if (this.#isNew || this.#list !== undefined) return;
    const found = await Promise.all(names.map((name) => this.#lstat(joinPath(this.#directory.place.target, name))));
    this.#looked = new Map(names.map((name, index) => [name.toString('latin1'), found[index]]));
  }

  *partials(): Generator<{ readonly name: Buffer; readonly attributes: Attributes }> {
    const list = this.#list;
    if (list === undefined) return;
    for (let index = 0; index < list.length; index++) {
      const name = list.name(index);
      const kind = list.kind(index);
      const isOurs = kind === 'file' || (kind === 'link' && isMarkName(name));
      if (isPartialName(name) && isOurs) {
        yield { name: Buffer.from(name), attributes: list.attributes(index) };
      }
    }
  }

  /**
   * The place for a file.
   * @throws {CopyError} `destination-is-directory`, `destination-in-the-way`, `destination-dangling-link`
   */
  async fileAt(name: Buffer): Promise<FoundFile> {
    const path = joinPath(this.#directory.place.target, name);
    const found = await this.#at(name, path);
    if (found === undefined) return { path, old: undefined };
    if (found.kind === 'file') return { path, old: found };
    if (found.kind !== 'link') throw inTheWay(path, found);
    // The file takes the name of the link.
    if (!this.#followsLinks) return { path, old: found };
    const followed = await this.#follow(path);
    if (followed.existing?.kind !== 'file') throw inTheWay(path, followed.existing!);
    return { path: followed.path, old: followed.existing };
  }

  /**
   * The place for a link, which replaces a file or a link.
   * @throws {CopyError} `destination-is-directory`, `destination-in-the-way`
   */
  async linkAt(name: Buffer): Promise<FoundFile> {
    const path = joinPath(this.#directory.place.target, name);
    const old = await this.#at(name, path);
    if (old !== undefined && old.kind !== 'file' && old.kind !== 'link') throw inTheWay(path, old);
    return { path, old };
  }

  /**
   * The place for a directory.
   * @throws {CopyError} `destination-in-the-way`: something else is there; `destination-dangling-link`
   */
  async directoryAt(name: Buffer): Promise<FoundDirectory> {
    const path = joinPath(this.#directory.place.target, name);
    const found = await this.#at(name, path);
    if (found?.kind === 'link' && !this.#followsLinks) return { path, existing: undefined, link: found };
    const place = found?.kind === 'link' ? await this.#follow(path) : { path, existing: found };
    if (place.existing === undefined || place.existing.kind === 'directory') return place;
    throw new CopyError('destination-in-the-way', `${cleanText(path)} is not a directory.`);
  }

  release(): void {
    this.#list?.release();
  }

  /** Whether the directory did not exist before. */
  get #isNew(): boolean {
    return this.#directory.place.existing === undefined;
  }

  async #at(name: Buffer, path: Buffer): Promise<Attributes | undefined> {
    if (this.#isNew) return undefined;
    if (this.#list === undefined) {
      const key = name.toString('latin1');
      return this.#looked.has(key) ? this.#looked.get(key) : this.#lstat(path);
    }
    const index = this.#list.find(name);
    return index === undefined ? undefined : this.#list.attributes(index);
  }

  async #follow(path: Buffer): Promise<FoundDirectory> {
    const existing = await this.#side.stat(path);
    if (existing === undefined) {
      const message = `${cleanText(path)} is a symbolic link to something that does not exist.`;
      throw new CopyError('destination-dangling-link', message);
    }
    return { path: await this.#side.realPath(path), existing };
  }

  /** A refusal to tell counts as nothing: writing there shows what is in the way. */
  async #lstat(path: Buffer): Promise<Attributes | undefined> {
    try {
      return await this.#side.lstat(path);
    } catch (error) {
      if (CopyError.from(error).scope !== 'file') throw error;
      return undefined;
    }
  }
}

function inTheWay(path: Buffer, { kind }: Attributes): CopyError {
  const shown = cleanText(path);
  if (kind === 'directory') return new CopyError('destination-is-directory', `${shown} is a directory.`);
  return new CopyError('destination-in-the-way', `${shown} is not a regular file.`);
}
