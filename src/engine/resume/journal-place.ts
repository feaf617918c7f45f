/** Where the journals are, which of them belongs to a target, and how old journals are removed. */
import { createHash } from 'node:crypto';
import { lstat, opendir, unlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import envPaths from 'env-paths';
import type { RemoteIdentity } from '../../remotes/remote.ts';
import { systemErrorCode } from '../../util/system-error.ts';
import type { JournalHeader } from './journal-records.ts';

const NAME = 'mt-copy-tools';
const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_AGE_MS = 90 * DAY_MS;
/** The age at which the temporary file of a run that was killed is removed. */
const MAX_TEMPORARY_AGE_MS = DAY_MS;
/** Files that are examined at a time. */
const MAX_EXAMINED = 10_000;
const MAX_REMOVED = 1000;
const JOURNAL_PATTERN = /^[0-9a-f]{32}\.(tree|journal(\.[0-9a-f]{12}\.tmp)?)$/;

export interface StateEnvironment {
  /** The home directory. */
  readonly home: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/**
 * The directory of the journals: `$XDG_STATE_HOME/mt-copy-tools`, where the variable is absolute (XDG Base Directory
 * Specification 0.8), else `~/.local/state/mt-copy-tools`. macOS and Windows have no directory for state: there it is
 * the directory for data that are not synchronised, which env-paths takes from the process itself.
 */
export function stateDirectory(
  { home, variables }: StateEnvironment,
  platform: NodeJS.Platform = process.platform,
): string {
  if (platform === 'darwin' || platform === 'win32') return envPaths(NAME, { suffix: '' }).data;
  const given = variables['XDG_STATE_HOME'] ?? '';
  return join(isAbsolute(given) ? given : join(home, '.local', 'state'), NAME);
}

/**
 * The journal of a target that this machine keeps; `target` is its absolute path, on the server where the direction is
 * `upload`, else on this machine. Machines that share the directory have journals of their own.
 */
export function journalPath(
  directory: string,
  { host, port, user, via }: RemoteIdentity,
  target: Uint8Array,
  machine: string,
  direction: JournalHeader['direction'] = 'upload',
): string {
  const server = [host, port, user, machine, ...(via === undefined ? [] : [{ via }])];
  const hash = createHash('sha256')
    .update(JSON.stringify(direction === 'upload' ? server : [...server, direction]))
    .update('\0')
    .update(target);
  return join(directory, `${hash.digest('hex').slice(0, 32)}.journal`);
}

export interface PruneOptions {
  /** Milliseconds since 1970. */
  readonly nowMs?: number;
  /** Called for each file that could not be examined or removed; the others are still removed. */
  readonly onFailure?: (error: unknown) => void;
}

/**
 * Removes journals that were not written for 90 days: only regular files with the names of journals, and a limited
 * number at a time. Resolves with their number. Never rejects.
 */
export async function pruneJournals(directory: string, options: PruneOptions = {}): Promise<number> {
  const { nowMs = Date.now(), onFailure = () => {} } = options;
  let examined = 0;
  let removed = 0;
  try {
    for await (const { name } of await opendir(directory)) {
      if (++examined > MAX_EXAMINED || removed >= MAX_REMOVED) break;
      if (!JOURNAL_PATTERN.test(name)) continue;
      if (await removeIfOld(join(directory, name), nowMs).catch(onFailure)) removed++;
    }
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') onFailure(error);
  }
  return removed;
}

async function removeIfOld(path: string, nowMs: number): Promise<boolean> {
  const stats = await lstat(path);
  const maxAgeMs = path.endsWith('.tmp') ? MAX_TEMPORARY_AGE_MS : MAX_AGE_MS;
  if (!stats.isFile() || nowMs - stats.mtimeMs <= maxAgeMs) return false;
  await unlink(path);
  return true;
}
