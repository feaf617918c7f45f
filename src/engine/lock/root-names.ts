/** Which names stand for a target root. */
import { createHash } from 'node:crypto';

export interface TargetRoot {
  /** Resolved host, port and user as one text. */
  readonly server: string;
  /** Absolute and canonical, `/` separates. */
  readonly path: Uint8Array;
}

/**
 * The path is the server's word and may have any length; each directory in it costs a socket. What lies deeper is
 * locked together with its neighbours.
 */
const deepest = 256;

/** How many runs at once may lie inside one directory. */
const placesInside = 128;

/** A directory of the server, and the names it gives. */
export interface LockedDirectory {
  readonly path: Uint8Array;
  /** Held by a run whose root it is. */
  readonly at: string;
  /** One of these is held by each run whose root lies inside. */
  readonly inside: readonly string[];
}

export interface RootNames {
  /** Held for the moment in which a run makes sure of its root. */
  readonly gate: string;
  readonly root: LockedDirectory;
  /** From `/` down; empty for `/` itself. */
  readonly above: readonly LockedDirectory[];
}

export function rootNames({ server, path }: TargetRoot): RootNames {
  const chain = directoriesOf(path).map((directory) => lockedDirectory(server, directory));
  return { gate: `gate-${hash(server)}`, root: chain.at(-1)!, above: chain.slice(0, -1) };
}

/** From `/` down to `path` itself; slashes that say nothing are left out. */
function directoriesOf(path: Uint8Array): Uint8Array[] {
  // Latin-1 keeps every byte.
  const names = Buffer.from(path)
    .toString('latin1')
    .split('/')
    .filter((name) => name !== '');
  const depths = Array.from({ length: Math.min(names.length, deepest) + 1 }, (_, depth) => depth);
  return depths.map((depth) => Buffer.from(`/${names.slice(0, depth).join('/')}`, 'latin1'));
}

function lockedDirectory(server: string, path: Uint8Array): LockedDirectory {
  const key = hash(server, '\0', path);
  return { path, at: `at-${key}`, inside: Array.from({ length: placesInside }, (_, place) => `in-${key}-${place}`) };
}

/** Short, because some systems give the path of a socket file 103 bytes in all. */
function hash(...parts: readonly (string | Uint8Array)[]): string {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest('hex').slice(0, 16);
}
