/** Where the helper belongs on a server, and what exists there. */
import { CopyError } from '../../../errors.ts';
import { PROGRAM } from '../../../helper/framing.ts';
import { HOME, isAbsolute, joinPath } from '../../../util/byte-path.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { slicesOf } from '../../../util/slices-of.ts';
import type { Attributes } from '../../remote.ts';
import type { SftpConnection } from '../sftp-connection.ts';
import { withCodedErrors } from '../sftp-files.ts';
import { helperVersion, MARK_LENGTH } from './helper-mark.ts';
import { drainInto } from './whole-buffer.ts';

const DIRECTORY_MODE = 0o755;
/** The bits of a mode of which a program needs at least one. */
const EXECUTABLE = 0o111;

export interface HelperPlace {
  /** The absolute path of the program. */
  readonly path: Buffer;
  /** The directories that contain it and may have to be created, the outermost first. */
  readonly directories: readonly Buffer[];
}

/** A version of our program that is installed already. */
export interface FoundHelper {
  readonly attributes: Attributes;
  readonly version: string;
  /** Whether it is the program to install, byte for byte, and may be run. */
  readonly isWhole: boolean;
}

/** The place is in the home directory that SFTP shows, which need not be that of the shell. */
export async function helperPlace(connection: SftpConnection): Promise<HelperPlace> {
  const home = await connection.realPath(HOME);
  if (!isAbsolute(home) || home.includes(0)) {
    throw new CopyError('protocol', `The server names no home directory, but ${cleanText(home)}.`, { scope: 'run' });
  }
  const below = (directory: Uint8Array, name: string): Buffer => joinPath(directory, Buffer.from(name));
  const local = below(home, '.local');
  const bin = below(local, 'bin');
  return { path: below(bin, PROGRAM), directories: [local, bin] };
}

/**
 * Undefined where nothing exists at the path of the program.
 * @throws {CopyError} `destination-in-the-way`, `destination-is-directory`: when something else than our program is
 *   there
 */
export async function findHelper(
  connection: SftpConnection,
  { path, directories }: HelperPlace,
  program: Uint8Array,
): Promise<FoundHelper | undefined> {
  for (const directory of directories) {
    // A link to a directory is accepted. A dangling link is in the way.
    const kind = ((await connection.stat(directory)) ?? (await connection.lstat(directory)))?.kind;
    if (kind === undefined) return undefined;
    if (kind !== 'directory') throw inTheWay(directory, 'is not a directory');
  }
  const attributes = await connection.lstat(path);
  if (attributes === undefined) return undefined;
  if (attributes.kind === 'directory') {
    throw new CopyError('destination-is-directory', `${cleanText(path)} is a directory on the server.`, {
      advice: 'Move it away, then run the same command again.',
    });
  }
  if (attributes.kind === 'link') throw inTheWay(path, 'is a symbolic link');
  if (attributes.kind !== 'file') throw inTheWay(path, 'is not a file');
  const bytes = await beginning(connection, path, Math.min(attributes.size, program.length));
  const version = helperVersion(bytes.subarray(0, MARK_LENGTH));
  if (version === undefined) throw inTheWay(path, 'is another program');
  const isSame = attributes.size === program.length && bytes.equals(program);
  return { attributes, version, isWhole: isSame && ((attributes.mode ?? EXECUTABLE) & EXECUTABLE) !== 0 };
}

/** Creates the directories that are missing. */
export async function makeDirectories(connection: SftpConnection, { directories }: HelperPlace): Promise<void> {
  const { session } = connection.beneath;
  for (const path of directories) {
    if ((await connection.stat(path)) !== undefined) continue;
    const made = session.makeDirectory(path, { permissions: DIRECTORY_MODE });
    await withCodedErrors(made, { operation: 'make directory', path });
  }
}

/** @throws {CopyError} `target-busy`: when what exists at the path has changed since it was found */
export async function checkUnchanged(
  connection: SftpConnection,
  { path }: HelperPlace,
  found: FoundHelper | undefined,
): Promise<void> {
  const now = await connection.lstat(path);
  const before = found?.attributes;
  const isSame = now?.kind === before?.kind && now?.size === before?.size && now?.mtimeMs === before?.mtimeMs;
  if (isSame) return;
  throw new CopyError('target-busy', `Somebody else changed ${cleanText(path)} meanwhile.`, {
    advice: 'Look at what is there now, then run the same command again.',
  });
}

async function beginning(connection: SftpConnection, path: Buffer, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  try {
    const file = await connection.open(path);
    try {
      await file.read(slicesOf({ offset: 0, length }), drainInto(bytes));
    } finally {
      await file.close();
    }
  } catch (error) {
    const failure = CopyError.from(error);
    if (failure.scope !== 'file') throw failure;
    throw inTheWay(path, 'cannot be read, so that it is not known what it is', error);
  }
  return bytes;
}

function inTheWay(path: Buffer, what: string, cause?: unknown): CopyError {
  const advice = `It was left alone: check whether it is needed, and move it away to have ${PROGRAM} put there.`;
  return new CopyError('destination-in-the-way', `${cleanText(path)} on the server ${what}.`, { advice, cause });
}
