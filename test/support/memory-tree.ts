/**
 * A side of a copy of trees in memory: directories, files and links, what is refused, and a log of what was done. Links
 * are followed on the way to a path, as a file system does.
 */
import { posix } from 'node:path';
import { EntryList } from '../../src/engine/tree/entry-list.ts';
import type { ListOptions, TreeSide } from '../../src/engine/tree/tree-side.ts';
import { CopyError, type ErrorCode } from '../../src/errors.ts';
import type { Attributes, NewAttributes } from '../../src/remotes/remote.ts';

export type Operation =
  | 'list'
  | 'stat'
  | 'lstat'
  | 'realPath'
  | 'makeDirectory'
  | 'setAttributes'
  | 'readLink'
  | 'makeLink'
  | 'remove'
  | 'syncDirectory';

interface Node {
  attributes: Attributes;
  /** Of a link. */
  text: string;
  /** Of a directory, by name. */
  readonly children: Map<string, Node>;
}

/** An entry that a listing has beside those that exist. */
export interface Listed {
  readonly name: string;
  readonly kind: Attributes['kind'];
}

const MAX_LINKS = 40;
const FILLABLE = 0o300;
/** The time of everything that is not given another one. */
export const MTIME_MS = 1_600_000_000_000;

export class MemoryTree implements TreeSide {
  readonly isLocal: boolean;
  /** What was changed, in order: operation and path, and what was set. */
  readonly changes: string[] = [];
  /** What was asked and changed, in order: operation and path. */
  readonly calls: string[] = [];
  /** What the listing of a directory begins with. */
  readonly listedFirst: Map<string, readonly Listed[]> = new Map();
  /** Names in the listing of a directory that are refused. */
  readonly refusedNames: Map<string, readonly string[]> = new Map();
  /** Called before each operation; may wait, or reject. */
  onCall: (operation: Operation, path: string) => void | Promise<void> = () => {};
  /** The most operations of a kind that were in progress at once. */
  readonly most: Map<Operation, number> = new Map();
  readonly #root: Node = directory(0o755, MTIME_MS);
  readonly #refused: Map<string, CopyError> = new Map();
  readonly #inProgress: Map<Operation, number> = new Map();

  constructor(isLocal = false) {
    this.isLocal = isLocal;
  }

  /** Makes a directory, and those above it. */
  directory(path: string, mode = 0o755, mtimeMs: number = MTIME_MS): this {
    let node = this.#root;
    for (const name of namesOf(path)) {
      const child = node.children.get(name) ?? directory(0o755, MTIME_MS);
      node.children.set(name, child);
      node = child;
    }
    node.attributes = { ...node.attributes, mode, mtimeMs };
    return this;
  }

  file(path: string, attributes: Partial<Attributes> = {}): this {
    return this.#put(path, { kind: 'file', size: 10, mtimeMs: MTIME_MS, mode: 0o644, ...attributes }, '');
  }

  link(path: string, text: string): this {
    return this.#put(path, { kind: 'link', size: text.length, mtimeMs: MTIME_MS, mode: 0o777 }, text);
  }

  refuse(operation: Operation, path: string, code: ErrorCode = 'destination-permission'): this {
    this.#refused.set(`${operation} ${path}`, new CopyError(code, `${operation} of ${path} is refused.`));
    return this;
  }

  /** Everything below a path: kinds and permission bits, or the text of a link. */
  below(path: string): Record<string, string> {
    const found: Record<string, string> = {};
    const add = (node: Node, at: string): void => {
      for (const [name, child] of node.children) {
        const { kind, mode = 0 } = child.attributes;
        found[at + name] = kind === 'link' ? `-> ${child.text}` : `${kind} ${mode.toString(8)}`;
        add(child, `${at}${name}/`);
      }
    };
    add(this.#find(path, true)!.node, '');
    return found;
  }

  attributesAt(path: string): Attributes | undefined {
    return this.#find(path, false)?.node.attributes;
  }

  /** What was changed by operations of this kind, in order. */
  changedBy(operation: Operation): string[] {
    return this.changes
      .filter((change) => change.startsWith(`${operation} `))
      .map((change) => change.slice(operation.length + 1));
  }

  list(path: Buffer, { budget, limit = Number.POSITIVE_INFINITY, onRefused }: ListOptions): Promise<EntryList> {
    return this.#perform('list', path, (at) => {
      const { node } = this.#existing(at, true);
      if (node.attributes.kind !== 'directory') throw new CopyError('source-missing', `${at} is no directory.`);
      const list = new EntryList(budget);
      for (const name of this.refusedNames.get(at) ?? []) onRefused?.(Buffer.from(name));
      try {
        for (const { name, kind } of this.listedFirst.get(at) ?? []) list.add(Buffer.from(name), { kind, size: 10 });
        for (const [name, { attributes }] of node.children) {
          if (list.length < limit) list.add(Buffer.from(name, 'latin1'), attributes);
        }
      } catch (error) {
        list.release();
        throw error;
      }
      return list;
    });
  }

  stat(path: Buffer): Promise<Attributes | undefined> {
    return this.#perform('stat', path, (at) => this.#find(at, true)?.node.attributes);
  }

  lstat(path: Buffer): Promise<Attributes | undefined> {
    return this.#perform('lstat', path, (at) => this.#find(at, false)?.node.attributes);
  }

  realPath(path: Buffer): Promise<Buffer> {
    return this.#perform('realPath', path, (at) => Buffer.from(this.#existing(at, true).real, 'latin1'));
  }

  makeDirectory(path: Buffer, mode: number | undefined): Promise<void> {
    return this.#perform('makeDirectory', path, (at) => {
      const found = this.#find(at, false);
      if (found?.node.attributes.kind === 'directory') return;
      if (found !== undefined) throw new CopyError('destination-refused', `${at} exists.`);
      this.#place(at).children.set(posix.basename(at), directory((mode ?? 0o777) & ~0o022, Date.now()));
      this.changes.push(`makeDirectory ${at}`);
    });
  }

  setAttributes(path: Buffer, { mode, mtimeMs }: NewAttributes): Promise<void> {
    return this.#perform('setAttributes', path, (at) => {
      const { node } = this.#existing(at, true);
      node.attributes = {
        ...node.attributes,
        ...(mode !== undefined && { mode }),
        ...(mtimeMs !== undefined && { mtimeMs }),
      };
      const set = mode === undefined ? 'time' : mode.toString(8);
      this.changes.push(`setAttributes ${at} ${set}`);
    });
  }

  readLink(path: Buffer): Promise<Buffer> {
    return this.#perform('readLink', path, (at) => Buffer.from(this.#existing(at, false).node.text, 'latin1'));
  }

  makeLink(path: Buffer, text: Buffer): Promise<void> {
    return this.#perform('makeLink', path, (at) => {
      if (this.#find(at, false) !== undefined) throw new CopyError('destination-refused', `${at} exists.`);
      this.#place(at);
      this.link(this.#realOf(at), text.toString('latin1'));
      this.changes.push(`makeLink ${at}`);
    });
  }

  remove(path: Buffer): Promise<void> {
    return this.#perform('remove', path, (at) => {
      if (this.#find(at, false) !== undefined) this.#place(at).children.delete(posix.basename(at));
      this.changes.push(`remove ${at}`);
    });
  }

  syncDirectory(path: Buffer): Promise<void> {
    return this.#perform('syncDirectory', path, (at) => void this.#existing(at, true));
  }

  async #perform<T>(operation: Operation, path: Buffer, work: (path: string) => T): Promise<T> {
    const at = path.toString('latin1');
    this.calls.push(`${operation} ${at}`);
    const inProgress = (this.#inProgress.get(operation) ?? 0) + 1;
    this.#inProgress.set(operation, inProgress);
    this.most.set(operation, Math.max(inProgress, this.most.get(operation) ?? 0));
    try {
      await Promise.resolve();
      await this.onCall(operation, at);
      const refusal = this.#refused.get(`${operation} ${at}`);
      if (refusal !== undefined) throw refusal;
      return work(at);
    } finally {
      this.#inProgress.set(operation, this.#inProgress.get(operation)! - 1);
    }
  }

  #put(path: string, attributes: Attributes, text: string): this {
    const parent = posix.dirname(path);
    if (this.#find(parent, true) === undefined) this.directory(parent);
    this.#existing(parent, true).node.children.set(posix.basename(path), { attributes, text, children: new Map() });
    return this;
  }

  /** The directory in which something of this path may be made or removed. */
  #place(path: string): Node {
    const { node } = this.#existing(posix.dirname(path), true);
    if ((node.attributes.mode! & FILLABLE) !== FILLABLE) {
      throw new CopyError('destination-permission', `${posix.dirname(path)} is read-only.`);
    }
    node.attributes = { ...node.attributes, mtimeMs: Date.now() };
    return node;
  }

  #realOf(path: string): string {
    return posix.join(this.#existing(posix.dirname(path), true).real, posix.basename(path));
  }

  #existing(path: string, followsLast: boolean): { readonly node: Node; readonly real: string } {
    const found = this.#find(path, followsLast);
    if (found === undefined) throw new CopyError('destination-refused', `${path} does not exist.`);
    return found;
  }

  #find(path: string, followsLast: boolean, links = 0): { readonly node: Node; readonly real: string } | undefined {
    let found = { node: this.#root, real: '/' };
    const names = namesOf(path);
    for (const [index, name] of names.entries()) {
      const node = found.node.children.get(name);
      if (node === undefined) return undefined;
      const isFollowed = node.attributes.kind === 'link' && (followsLast || index < names.length - 1);
      if (!isFollowed) {
        found = { node, real: posix.join(found.real, name) };
        continue;
      }
      if (links >= MAX_LINKS) throw new CopyError('source-unreadable', `${path} has too many links.`);
      const followed = this.#find(posix.resolve(found.real, node.text), true, links + 1);
      if (followed === undefined) return undefined;
      found = followed;
    }
    return found;
  }
}

function directory(mode: number, mtimeMs: number): Node {
  return { attributes: { kind: 'directory', size: 0, mode, mtimeMs }, text: '', children: new Map() };
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}
