/** Where the helper belongs on a server, and what stands there. */
import { CopyError } from '../../../errors.ts';
import { PROGRAM } from '../../../helper/framing.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { slicesOf } from '../../../util/slices-of.ts';
import type { Attributes } from '../../remote.ts';
import type { SftpConnection } from '../sftp-connection.ts';
import { asked } from '../sftp-files.ts';
import { helperVersion, MARK_LENGTH } from './helper-mark.ts';
import { drainInto } from './whole-buffer.ts';

const DIRECTORY_MODE = 0o755;
/** Bits of which a program needs one. */
const EXECUTABLE = 0o111;

export interface HelperPlace {
  /** Absolute, as SFTP names it. */
  readonly path: Buffer;
  /** Those above it, the highest first. */
  readonly directories: readonly Buffer[];
}

/** What of ours stands there. */
export interface FoundHelper {
  readonly attributes: Attributes;
  readonly version: string;
  /** Whether it is the program byte for byte, and may be run. */
  readonly isWhole: boolean;
}

/** In the home of SFTP, which need not be that of a shell. */
export async function helperPlace(connection: SftpConnection): Promise<HelperPlace> {
  const home = Buffer.from(await connection.realPath(Buffer.from('.')));
  if (home[0] !== 0x2f || home.includes(0)) {
    throw new CopyError('protocol', `The server names no home directory, but ${cleanText(home)}.`, { scope: 'run' });
  }
  const below = (directory: Buffer, name: string): Buffer =>
    Buffer.concat([directory, Buffer.from(directory.at(-1) === 0x2f ? name : `/${name}`)]);
  const local = below(home, '.local');
  const bin = below(local, 'bin');
  return { path: below(bin, PROGRAM), directories: [local, bin] };
}

/**
 * Undefined where nothing stands.
 * @throws {CopyError} `destination-in-the-way`, `destination-is-directory` for what is not ours
 */
export async function findHelper(
  connection: SftpConnection,
  { path, directories }: HelperPlace,
  program: Uint8Array,
): Promise<FoundHelper | undefined> {
  for (const directory of directories) {
    // A link to a directory is as good; one to nothing stands in the way.
    const kind = ((await connection.stat(directory)) ?? (await connection.lstat(directory)))?.kind;
    if (kind === undefined) return undefined;
    if (kind !== 'directory') throw inTheWay(directory, 'is no directory');
  }
  const attributes = await connection.lstat(path);
  if (attributes === undefined) return undefined;
  if (attributes.kind === 'directory') {
    throw new CopyError('destination-is-directory', `${cleanText(path)} is a directory on the server.`, {
      advice: 'Move it away, then run the same command again.',
    });
  }
  if (attributes.kind === 'link') throw inTheWay(path, 'is a symbolic link');
  if (attributes.kind !== 'file') throw inTheWay(path, 'is no file');
  const bytes = await beginning(connection, path, Math.min(attributes.size, program.length));
  const version = helperVersion(bytes.subarray(0, MARK_LENGTH));
  if (version === undefined) throw inTheWay(path, 'is another program');
  const isSame = attributes.size === program.length && bytes.equals(program);
  return { attributes, version, isWhole: isSame && ((attributes.mode ?? EXECUTABLE) & EXECUTABLE) !== 0 };
}

/** Makes those directories that are missing. */
export async function makeDirectories(connection: SftpConnection, { directories }: HelperPlace): Promise<void> {
  const { session } = connection.beneath;
  for (const path of directories) {
    if ((await connection.stat(path)) !== undefined) continue;
    const made = session.makeDirectory(path, { permissions: DIRECTORY_MODE });
    await asked(made, { operation: 'make directory', path });
  }
}

/** @throws {CopyError} `target-busy` unless what stands there is as it was found */
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
    advice: 'See what stands there now, then run the same command again.',
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
    throw inTheWay(path, 'cannot be read, so that nobody knows what it is', error);
  }
  return bytes;
}

function inTheWay(path: Buffer, what: string, cause?: unknown): CopyError {
  const advice = `It was left alone: see whether it is needed, and move it away to have ${PROGRAM} put there.`;
  return new CopyError('destination-in-the-way', `${cleanText(path)} on the server ${what}.`, { advice, cause });
}
