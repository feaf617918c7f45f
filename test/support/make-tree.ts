/** Makes a tree of files from a short description. Names are Latin-1 text of their bytes, as in tree.ts. */
import { createCipheriv, createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, lchown, mkdir, open, rename, symlink, utimes } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path/posix';
import { runOk } from './process.ts';
import { bytesPath } from './tree.ts';

export interface Attributes {
  /** Default: 0644, or 0755 of a directory. */
  readonly mode?: number;
  /** Seconds since 1970, which may be negative. */
  readonly mtime?: number;
}

/**
 * An entry whose path does not end in `/`: the content of a file, the size of one with bytes that depend on its path
 * alone, either with attributes (`bytes`: content as Latin-1 text), a symbolic link, or something special.
 */
export type MadeEntry =
  | string
  | number
  | (Attributes & ({ readonly content: string } | { readonly bytes: string } | { readonly size: number }))
  | { readonly link: string }
  | { readonly special: 'fifo' | 'socket' };

/** By path. A path that ends in `/` is a directory, which has attributes. Parents that are not listed are made too. */
export type TreePlan = Readonly<Record<string, MadeEntry | Attributes>>;

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** What everything has that was given no time: long ago, so that a copy which does not keep it is seen. */
export const FILE_MTIME = 1_500_000_000;
export const DIRECTORY_MTIME = 1_400_000_000;

const BLOCK: Buffer = Buffer.alloc(1024 * 1024);

/** `owner`: who has all of it; whoever runs the tests unless set. The root is made too, and has mode and time of `./`. */
export async function makeTree(root: string, plan: TreePlan, owner?: Owner): Promise<void> {
  const directories = new Map<string, Attributes>([['./', {}]]);
  const others: [string, MadeEntry][] = [];
  for (const [path, entry] of Object.entries(plan)) {
    for (let parent = `${dirname(path)}/`; parent !== './'; parent = `${dirname(parent)}/`) {
      if (!directories.has(parent)) directories.set(parent, {});
    }
    if (path.endsWith('/')) directories.set(path, entry as Attributes);
    else others.push([path, entry as MadeEntry]);
  }
  // Parents first.
  const sorted = [...directories.keys()].sort((a, b) => depth(a) - depth(b));
  for (const path of sorted) await mkdir(bytesPath(root, path), { recursive: true });
  for (const [path, entry] of others) await makeEntry(root, path, entry, owner);
  // What is made in a directory changes its time, and its mode may forbid it.
  for (const path of sorted.reverse()) {
    await setAttributes(bytesPath(root, path), directories.get(path)!, [0o755, DIRECTORY_MTIME], owner);
  }
}

function depth(path: string): number {
  return path === './' ? 0 : path.split('/').length;
}

async function makeEntry(root: string, path: string, entry: MadeEntry, owner?: Owner): Promise<void> {
  const full = bytesPath(root, path);
  if (typeof entry === 'object' && 'link' in entry) {
    await symlink(Buffer.from(entry.link, 'latin1'), full);
    if (owner !== undefined) await lchown(full, owner.uid, owner.gid);
    return;
  }
  if (typeof entry === 'object' && 'special' in entry) return makeSpecial(`${full}`, entry.special, owner);
  const { content, bytes, size, ...attributes } = asFile(entry);
  const raw = bytes === undefined ? undefined : Buffer.from(bytes, 'latin1');
  await writeContent(full, path, content ?? raw ?? size ?? 0);
  await setAttributes(full, attributes, [0o644, FILE_MTIME], owner);
}

function asFile(
  entry: Exclude<MadeEntry, { link: string } | { special: string }>,
): Attributes & { content?: string; bytes?: string; size?: number } {
  if (typeof entry === 'string') return { content: entry };
  if (typeof entry === 'number') return { size: entry };
  return entry;
}

async function writeContent(full: Buffer, path: string, content: string | Buffer | number): Promise<void> {
  const file = await open(full, 'w');
  try {
    if (typeof content !== 'number') return await file.writeFile(content);
    const key = createHash('sha256').update(path).digest();
    const stream = createCipheriv('aes-256-ctr', key, BLOCK.subarray(0, 16));
    for (let offset = 0; offset < content; offset += BLOCK.length) {
      await file.write(stream.update(BLOCK.subarray(0, Math.min(BLOCK.length, content - offset))));
    }
  } finally {
    await file.close();
  }
}

async function makeSpecial(path: string, kind: 'fifo' | 'socket', owner?: Owner): Promise<void> {
  if (kind === 'fifo') {
    await runOk('mkfifo', [path]);
  } else {
    // A server takes its socket away when it closes, unless that is called otherwise by then.
    const server = createServer().listen(`${path}~`);
    await once(server, 'listening');
    await rename(`${path}~`, path);
    server.close();
    await once(server, 'close');
  }
  if (owner !== undefined) await lchown(path, owner.uid, owner.gid);
}

async function setAttributes(
  full: Buffer,
  { mode, mtime }: Attributes,
  [usualMode, usualMtime]: readonly [number, number],
  owner?: Owner,
): Promise<void> {
  // A change of the owner takes setuid away.
  if (owner !== undefined) await lchown(full, owner.uid, owner.gid);
  await chmod(full, mode ?? usualMode);
  const seconds = mtime ?? usualMtime;
  // Node takes a negative time for now.
  if (seconds < 0) await runOk('touch', ['-d', `@${seconds}`, `${full}`]);
  else await utimes(full, seconds, seconds);
}
