/** The names that stand for a target root and the directories above it. */
import { createHash } from 'node:crypto';

export interface TargetRoot {
  /** Resolved host, port and user as one text. */
  readonly server: string;
  /** Absolute and canonical, separated by `/`. */
  readonly path: Uint8Array;
}

/**
 * Directories of a path that have names of their own. The server determines the path, which may have any length, and
 * each directory in it takes a socket. Roots that lie deeper share the lock of the last of these directories.
 */
const MAX_DEPTH = 256;

/** How many runs may work inside one directory at the same time. */
const PLACES_INSIDE = 128;

/** A directory of the server and its names. */
export interface LockedDirectory {
  readonly path: Uint8Array;
  /** Held by the run whose root is this directory. */
  readonly at: string;
  /** Each run whose root lies inside this directory holds one of these. */
  readonly inside: readonly string[];
}

export interface RootNames {
  /** Held while a run takes the lock of its root. */
  readonly gate: string;
  readonly root: LockedDirectory;
  /** From `/` down; empty for `/` itself. */
  readonly above: readonly LockedDirectory[];
}

export function rootNames({ server, path }: TargetRoot): RootNames {
  const chain = directoriesOf(path).map((directory) => lockedDirectory(server, directory));
  return { gate: `gate-${hash(server)}`, root: chain.at(-1)!, above: chain.slice(0, -1) };
}

/** From `/` down to `path` itself. Repeated and trailing slashes are ignored. */
function directoriesOf(path: Uint8Array): Uint8Array[] {
  // Latin-1 keeps every byte.
  const names = Buffer.from(path)
    .toString('latin1')
    .split('/')
    .filter((name) => name !== '');
  const depths = Array.from({ length: Math.min(names.length, MAX_DEPTH) + 1 }, (_, depth) => depth);
  return depths.map((depth) => Buffer.from(`/${names.slice(0, depth).join('/')}`, 'latin1'));
}

function lockedDirectory(server: string, path: Uint8Array): LockedDirectory {
  const key = hash(server, '\0', path);
  return { path, at: `at-${key}`, inside: Array.from({ length: PLACES_INSIDE }, (_, place) => `in-${key}-${place}`) };
}

/** 16 hex digits: on some systems, the path of a socket file has at most 103 bytes. */
function hash(...parts: readonly (string | Uint8Array)[]): string {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest('hex').slice(0, 16);
}
