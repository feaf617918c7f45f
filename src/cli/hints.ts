/** Habits from scp, sftp, ssh and rsync that mean something else here. */
import { existsSync } from 'node:fs';
import type { CopyError } from '../errors.ts';
import { bytesFromText } from '../util/bytes-text.ts';
import { usageError } from './usage-error.ts';

const unknownOptions: Readonly<Record<string, string>> = {
  '-l': 'To limit the rate, write --limit with a unit, as in --limit 10M; the login name goes before the host, as in USER@HOST:.',
  '--bwlimit': 'To limit the rate, write --limit with a unit, as in --limit 10M.',
  '--recursive': 'Directories are copied without an option.',
  '--copy-links': 'Symbolic links are followed without an option; see --links.',
  '--exclude-from': 'Write each pattern with --exclude; a list of paths to copy is --files-from FILE.',
  '--include-from': 'Write each pattern with --include; a list of paths to copy is --files-from FILE.',
  '--filter': 'Write --include GLOB or --exclude GLOB for each rule.',
  '--ignore-times': 'To copy files that are up to date, too, write --force.',
  '--delete': 'Nothing is deleted at the destination.',
  '--port': 'The port is -P.',
  '--user': 'The login name goes before the host, as in USER@HOST:.',
  '--password': 'A password is never an option: it is asked for, or taken from MT_COPY_PASSWORD.',
};

/** What to write instead of an option that does not exist, where that is known. */
export function unknownOptionHint(name: string): string | undefined {
  return unknownOptions[name];
}

/** `-p 2222`: scp's habit, where ssh's own port option is meant. Undefined unless that is what `args` holds. */
export function portHint(args: readonly string[], operands: readonly string[]): CopyError | undefined {
  const end = args.indexOf('--');
  const options = end === -1 ? args : args.slice(0, end);
  const at = options.findIndex((arg, i) => arg === '-p' && /^\d{1,5}$/.test(options[i + 1] ?? ''));
  if (at === -1) return undefined;
  const port = options[at + 1]!;
  if (operands.length > 1 && existsSync(bytesFromText(port))) return undefined;
  return usageError(`-p takes no value, and there is no file '${port}'`, `For the port, write -P ${port}.`);
}

/** The usage error for a destination without a server. */
export function noServerError(destination: string, sources: readonly string[]): CopyError {
  if (sources.some((source) => /^[^/:]+:/.test(source))) {
    return usageError(
      `The destination '${destination}' names no server`,
      'mtput copies to a server: SOURCE... [USER@]HOST:[PATH].',
    );
  }
  const isBareName = /^[^/\s:]+$/.test(destination);
  return usageError(
    `The destination '${destination}' names no server`,
    isBareName ? `For the home directory there, write ${destination}: with the colon.` : 'Write [USER@]HOST:[PATH].',
  );
}

/** The usage error for a source of `mtget` without a server. */
export function noServerInSource(source: string, destination: string): CopyError {
  const isReversed = /^[^/:]+:/.test(destination);
  return usageError(
    `The source '${source}' names no server`,
    isReversed ? 'To copy to a server, use mtput.' : 'Write [USER@]HOST:PATH.',
  );
}
