/** Where uploaded files go: the destination rules of the command line, asked of the server. */
import { CopyError } from '../../errors.ts';
import type { Attributes, RemoteConnection } from '../../remotes/remote.ts';
import {
  baseName,
  directoryName,
  endsWithSlash,
  isAbsolute,
  isDots,
  joinPath,
  withoutTrailingSlashes,
} from '../../util/byte-path.ts';
import { cleanText } from '../../util/clean-text.ts';

/** Deeper trees of missing directories are a mistake or an attack. */
const MAX_DEPTH = 256;

export interface UploadTarget {
  /** Absolute; of the file a symbolic link names, where the destination is one. */
  readonly path: Buffer;
  /** What is going to be replaced. */
  readonly old: Attributes | undefined;
}

/** What stands at a path: followed, and, where that leads nowhere, the link itself. */
interface Found {
  readonly at: Attributes | undefined;
  readonly isLink: boolean;
  readonly isDanglingLink: boolean;
  /** Whether the server lets nobody know: then anything may stand there, and what is wanted is tried. */
  readonly isUnseen: boolean;
}

export class UploadDestination {
  /** As it is shown: absolute, where the server tells what the home directory is. */
  readonly path: Buffer;
  /** Whether files go into it rather than become it. */
  readonly #isDirectory: boolean;
  /** What stands there, where the one file becomes it. */
  readonly #found: Found;
  /** A directory that is missing on the way to the targets, or that nobody may look at. */
  readonly #missing: Buffer | undefined;

  /** Without links, as far as it could be told. */
  readonly #canonical: Buffer;

  private constructor(
    path: Buffer,
    isDirectory: boolean,
    found: Found,
    missing: Buffer | undefined,
    canonical: Buffer,
  ) {
    this.path = path;
    this.#canonical = canonical;
    this.#isDirectory = isDirectory;
    this.#found = found;
    this.#missing = missing;
  }

  /**
   * Looks at what stands at `path` (empty: the home directory; relative: below it), in one round trip.
   * @throws CopyError with exit code 4 when several files would have to become one.
   */
  static async resolve(connection: RemoteConnection, path: Uint8Array, several: boolean): Promise<UploadDestination> {
    // Of `file/` OpenSSH says that there is no such file.
    const asked = path.length === 0 ? HERE : withoutTrailingSlashes(path);
    const parent = directoryName(asked);
    const [home, found, parentFound, ownRealPath, parentRealPath] = await Promise.all([
      isAbsolute(path) ? undefined : realPathOf(connection, HERE),
      look(connection, asked),
      look(connection, parent.length === 0 ? HERE : parent),
      realPathOf(connection, asked),
      realPathOf(connection, parent.length === 0 ? HERE : parent),
    ]);
    // The server takes a relative path from where the session began, also where it does not tell where that is.
    const absolute = home === undefined ? asked : joinPath(home, asked.equals(HERE) ? Buffer.alloc(0) : asked);
    const shown = withoutTrailingSlashes(absolute);
    const beside = parentRealPath === undefined ? shown : joinPath(parentRealPath, baseName(shown));
    // Some servers resolve what does not exist; what does is told by the looks.
    const canonical = (found.at === undefined ? undefined : ownRealPath) ?? beside;
    if (found.at?.kind === 'directory' || asked.equals(HERE))
      return new UploadDestination(shown, true, found, undefined, canonical);
    const wantsDirectory = several || endsWithSlash(path) || isDots(baseName(path));
    if (found.at !== undefined && wantsDirectory) {
      throw new CopyError('destination-in-the-way', `${cleanText(shown)} is not a directory.`);
    }
    if (wantsDirectory) return new UploadDestination(shown, true, found, shown, canonical);
    const isPlaced = found.at !== undefined || parent.length === 0 || parentFound.at?.kind === 'directory';
    return new UploadDestination(shown, false, found, isPlaced ? undefined : directoryName(shown), canonical);
  }

  /** What two runs must not work on at a time: the target, or the directory of the targets. */
  get root(): Buffer {
    return this.#canonical;
  }

  /**
   * The target for a source of this name.
   * @throws CopyError with exit code 4 when something else stands there.
   */
  async targetFor(connection: RemoteConnection, sourceName: Uint8Array): Promise<UploadTarget> {
    const path = this.#isDirectory ? joinPath(this.path, sourceName) : this.path;
    const { at: old, isLink, isDanglingLink } = this.#isDirectory ? await look(connection, path) : this.#found;
    const shown = cleanText(path);
    if (isDanglingLink) {
      throw new CopyError('destination-dangling-link', `${shown} is a symbolic link to something that does not exist.`);
    }
    if (old === undefined && !isLink) return { path, old };
    if (old?.kind === 'directory') throw new CopyError('destination-is-directory', `${shown} is a directory.`);
    if (old !== undefined && old.kind !== 'file')
      throw new CopyError('destination-in-the-way', `${shown} is not a regular file.`);
    const real = await realPathOf(connection, path);
    if (real !== undefined) return { path: real, old };
    // The link itself must not be replaced by a file.
    if (isLink) throw new CopyError('destination-in-the-way', `${shown} is a symbolic link that cannot be followed.`);
    return { path, old };
  }

  /** Makes the directories that are missing on the way to the targets. */
  async prepare(connection: RemoteConnection): Promise<void> {
    if (this.#missing !== undefined) await makeDirectories(connection, this.#missing, 0);
  }
}

/** The home directory, where a session begins. */
const HERE = Buffer.from('.');

async function look(connection: RemoteConnection, path: Buffer): Promise<Found> {
  const [followed, link] = await Promise.all([
    unlessRefused(connection.stat(path)),
    unlessRefused(connection.lstat(path)),
  ]);
  const isLink = link.found?.kind === 'link';
  const isDanglingLink = !followed.isRefused && followed.found === undefined && isLink;
  return { at: followed.found, isLink, isDanglingLink, isUnseen: followed.isRefused };
}

/** Whether the server refused to look at something; other failures reject. */
async function unlessRefused(
  looking: Promise<Attributes | undefined>,
): Promise<{ readonly found: Attributes | undefined; readonly isRefused: boolean }> {
  try {
    return { found: await looking, isRefused: false };
  } catch (error) {
    if (CopyError.from(error).scope !== 'file') throw error;
    return { found: undefined, isRefused: true };
  }
}

/** Undefined where it does not exist, or cannot be told. */
async function realPathOf(connection: RemoteConnection, path: Buffer): Promise<Buffer | undefined> {
  try {
    return Buffer.from(await connection.realPath(path));
  } catch (error) {
    if (CopyError.from(error).scope === 'file') return undefined;
    throw error;
  }
}

async function makeDirectories(connection: RemoteConnection, path: Buffer, depth: number): Promise<void> {
  if (depth > MAX_DEPTH) throw new CopyError('destination-refused', `${cleanText(path)} is nested too deep.`);
  const { at, isUnseen } = await look(connection, path);
  if (at?.kind === 'directory') return;
  if (at !== undefined) throw new CopyError('destination-in-the-way', `${cleanText(path)} is not a directory.`);
  const parent = directoryName(path);
  if (baseName(path).length > 0 && parent.length > 0) await makeDirectories(connection, parent, depth + 1);
  if (isDots(baseName(path))) return;
  // Where nobody may look, it may be there: what is opened in it will tell.
  await (isUnseen
    ? unlessRefused(connection.makeDirectory(path).then(() => undefined))
    : connection.makeDirectory(path));
}
