/**
 * Trees of files: made from a short description, and read back to be compared. Names are bytes, written as Latin-1 text:
 * one character is one byte. `bytesName` makes such a name of ordinary text.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { expect } from 'vitest';

export interface TreeEntry {
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  /** Permission bits, setuid, setgid and sticky included, as four octal digits. Of files and directories. */
  readonly mode?: string;
  /** Whole seconds since 1970. Of files and directories. */
  readonly mtime?: number;
  /** Of files. */
  readonly size?: number;
  readonly sha256?: string;
  /** Of links: what they lead to, as Latin-1 text. */
  readonly text?: string;
}

/** By path, sorted. Directories end in `/`, and the root is `./`. */
export type Tree = Readonly<Record<string, TreeEntry>>;

/** The name of these characters in UTF-8, as all names are written here. */
export function bytesName(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** The path of an entry of a tree, as the system takes it. */
export function bytesPath(root: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);
}

interface Found {
  readonly path: string;
  readonly full: Buffer;
}

/** Everything below `root`, directories before what is in them. Links are not followed. */
async function* walk(root: string, below = ''): AsyncGenerator<Found> {
  const directory = below === '' ? Buffer.from(root) : bytesPath(root, below);
  for (const entry of await readdir(directory, { encoding: 'buffer', withFileTypes: true })) {
    const path = below + entry.name.toString('latin1');
    const full = bytesPath(root, path);
    if (!entry.isDirectory()) {
      yield { path, full };
      continue;
    }
    yield { path: `${path}/`, full };
    yield* walk(root, `${path}/`);
  }
}

async function readEntry(full: Buffer | string): Promise<TreeEntry> {
  const look = await lstat(full);
  if (look.isSymbolicLink()) return { kind: 'link', text: (await readlink(full, 'buffer')).toString('latin1') };
  const mode = (look.mode & 0o7777).toString(8).padStart(4, '0');
  const mtime = Math.floor(look.mtimeMs / 1000);
  if (look.isDirectory()) return { kind: 'directory', mode, mtime };
  if (!look.isFile()) return { kind: 'other' };
  const hash = createHash('sha256');
  await pipeline(createReadStream(full), hash);
  return { kind: 'file', mode, mtime, size: look.size, sha256: hash.digest('hex') };
}

export async function readTree(root: string): Promise<Tree> {
  const entries: [string, TreeEntry][] = [['./', await readEntry(root)]];
  for await (const { path, full } of walk(root)) entries.push([path, await readEntry(full)]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A line for each entry, sorted: `d/`, `d/f=content`, `d/link -> text`, `d/pipe?`; nothing where `root` is missing. */
export async function listTree(root: string): Promise<string[]> {
  const lines: string[] = [];
  if ((await lstat(root).catch(() => undefined)) === undefined) return lines;
  for await (const { path, full } of walk(root)) {
    const look = await lstat(full);
    if (look.isSymbolicLink()) lines.push(`${path} -> ${(await readlink(full, 'buffer')).toString('latin1')}`);
    else if (look.isDirectory()) lines.push(path);
    else lines.push(look.isFile() ? `${path}=${await readFile(full, 'latin1')}` : `${path}?`);
  }
  return lines.sort();
}

/** The paths of all regular files, sorted. */
export async function filesIn(root: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path, full } of walk(root)) if ((await lstat(full)).isFile()) paths.push(path);
  return paths.sort();
}

/** What a copy of this tree is: setuid, setgid and sticky are never set. */
export function asCopied(tree: Tree): Tree {
  return mapTree(tree, (entry) => {
    if (entry.mode === undefined) return entry;
    return { ...entry, mode: (Number.parseInt(entry.mode, 8) & 0o777).toString(8).padStart(4, '0') };
  });
}

/** Without what a copy need not keep, such as the times of `--no-preserve`. */
export function without(tree: Tree, ...fields: readonly (keyof TreeEntry)[]): Tree {
  return mapTree(tree, (entry) => {
    const kept = Object.entries(entry).filter(([field]) => !fields.includes(field as keyof TreeEntry));
    return Object.fromEntries(kept) as unknown as TreeEntry;
  });
}

/** Without the entries whose path fits. */
export function leavingOut(tree: Tree, isLeftOut: (path: string) => boolean): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([path]) => !isLeftOut(path)));
}

function mapTree(tree: Tree, change: (entry: TreeEntry) => TreeEntry): Tree {
  return Object.fromEntries(Object.entries(tree).map(([path, entry]) => [path, change(entry)]));
}

/** Fails unless `copy` has the names, contents, modes and times of `source`, and nothing else. */
export async function expectCopied(source: string, copy: string): Promise<void> {
  expect(await readTree(copy)).toEqual(asCopied(await readTree(source)));
}

/** Lets somebody who is not root remove a tree with directories that may not be written. */
export async function letRemove(root: string | Buffer): Promise<void> {
  const directory = Buffer.from(root);
  if (!(await lstat(directory).catch(() => undefined))?.isDirectory()) return;
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { encoding: 'buffer', withFileTypes: true })) {
    if (entry.isDirectory()) await letRemove(Buffer.concat([directory, Buffer.from('/'), entry.name]));
  }
}

/** A path of a tree that a test looks at by itself. */
export async function entryOf(root: string, path: string): Promise<TreeEntry | undefined> {
  const full = join(root, path);
  return (await lstat(full).catch(() => undefined)) === undefined ? undefined : readEntry(full);
}
