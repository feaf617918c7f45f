/**
 * Finds the targets of copied files, by the destination rules of the command line and by what is at the destination.
 */
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

/** The side that files are copied to: a connection of the server, or the local file system. */
export type DestinationFiles = Pick<RemoteConnection, 'stat' | 'lstat' | 'realPath' | 'makeDirectory'>;

/** Bytes: no common file system has longer names. */
const MAX_NAME = 255;
/** More missing directories above one another than this are a mistake, or an attack by the server. */
const MAX_DEPTH = 256;

export interface Target {
  /** Absolute. Where the destination is a symbolic link, this is the path of the file that the link names. */
  readonly path: Buffer;
  /** What is going to be replaced; undefined: nothing. */
  readonly old: Attributes | undefined;
}

/** Where the contents of a directory go. */
export interface DirectoryTarget {
  /** Absolute, without links as far as the server resolves them. */
  readonly path: Buffer;
  /** The directory that is there; undefined: it has to be created. */
  readonly existing: Attributes | undefined;
  /** Whether it is where relative paths begin, which keeps its mode and time: others depend on them, such as sshd. */
  readonly isGiven: boolean;
  /** Whether the one source becomes the destination itself, which did not exist when it was first copied. */
  readonly isOwn: boolean;
}

/** What a path names. */
interface Found {
  /** With symbolic links followed; undefined: nothing, or {@link isUnseen}. */
  readonly at: Attributes | undefined;
  readonly isLink: boolean;
  readonly isDanglingLink: boolean;
  /** Whether the server refuses to say what is there. Then anything may be there, and the copy is tried. */
  readonly isUnseen: boolean;
}

export class Destination {
  /** As it is shown to the user: absolute, if the server says what the home directory is. */
  readonly path: Buffer;
  /** Whether the destination is a directory, into which the files go. Otherwise the one file gets this path. */
  readonly #isDirectory: boolean;
  /** What is at the path. */
  readonly #found: Found;
  /** The directory of the targets, if it has to be created, or if the server does not say whether it exists. */
  readonly #missing: Buffer | undefined;
  /** The path without symbolic links, as far as the server resolves them. */
  readonly #canonical: Buffer;
  readonly #isSeveral: boolean;
  /** Whether it is where relative paths begin. */
  readonly #isHome: boolean;

  private constructor(
    path: Buffer,
    isDirectory: boolean,
    found: Found,
    missing: Buffer | undefined,
    canonical: Buffer,
    isSeveral: boolean,
    isHome = false,
  ) {
    this.#isHome = isHome;
    this.#isSeveral = isSeveral;
    this.path = path;
    this.#canonical = canonical;
    this.#isDirectory = isDirectory;
    this.#found = found;
    this.#missing = missing;
  }

  /**
   * Finds out in one round trip what `path` is. An empty path is the home directory; a relative path begins there.
   * `several`: whether there are several sources.
   * @throws {CopyError} `destination-in-the-way`: a directory is needed, and `path` is something else
   */
  static async resolve(connection: DestinationFiles, path: Uint8Array, several: boolean): Promise<Destination> {
    // For `file/`, OpenSSH answers that there is no such file.
    const asked = path.length === 0 ? HERE : withoutTrailingSlashes(path);
    const parent = directoryName(asked);
    const [home, found, parentFound, ownRealPath, parentRealPath] = await Promise.all([
      isAbsolute(path) ? undefined : realPathOf(connection, HERE),
      look(connection, asked),
      look(connection, parent.length === 0 ? HERE : parent),
      realPathOf(connection, asked),
      realPathOf(connection, parent.length === 0 ? HERE : parent),
    ]);
    // The server resolves a relative path from where the session began, even if it does not say where that is.
    const absolute = home === undefined ? asked : joinPath(home, asked.equals(HERE) ? Buffer.alloc(0) : asked);
    const shown = withoutTrailingSlashes(absolute);
    const beside = parentRealPath === undefined ? shown : joinPath(parentRealPath, baseName(shown));
    // Some servers also resolve paths that do not exist; stat shows whether this one does.
    const canonical = (found.at === undefined ? undefined : ownRealPath) ?? beside;
    const isHome = asked.equals(HERE);
    if (found.at?.kind === 'directory' || isHome) {
      return new Destination(shown, true, found, undefined, canonical, several, isHome);
    }
    const wantsDirectory = several || endsWithSlash(path) || isDots(baseName(path));
    if (found.at !== undefined && wantsDirectory) {
      throw new CopyError('destination-in-the-way', `${cleanText(shown)} is not a directory.`);
    }
    if (wantsDirectory) return new Destination(shown, true, found, shown, canonical, several);
    const isPlaced = found.at !== undefined || parent.length === 0 || parentFound.at?.kind === 'directory';
    return new Destination(shown, false, found, isPlaced ? undefined : directoryName(shown), canonical, several);
  }

  /** What only one run may work on at a time: the target, or the directory of the targets. */
  get root(): Buffer {
    return this.#canonical;
  }

  /**
   * The target for a source of this name.
   * @throws {CopyError} `destination-dangling-link`; `destination-is-directory`; `destination-in-the-way`: it is
   *   neither a file nor a link to one
   */
  async targetFor(connection: DestinationFiles, sourceName: Uint8Array): Promise<Target> {
    const path = this.#isDirectory ? joinPath(this.path, sourceName) : this.path;
    const found = this.#isDirectory ? await look(connection, path) : this.#found;
    const { at: old, isLink, isDanglingLink } = found;
    const shown = cleanText(path);
    // The name of the partial file is shortened to fit: without this, the rename at the end would be the first to fail.
    if (found.isUnseen && baseName(path).length > MAX_NAME) throw nameTooLong(path);
    if (isDanglingLink) throw dangling(path);
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

  /**
   * The target for a directory of this name, or for its contents alone. `isOurs`: whether an earlier run of the same
   * copy has created the destination.
   * @throws {CopyError} `destination-in-the-way`: something else is there; `destination-dangling-link`
   */
  async directoryFor(
    connection: DestinationFiles,
    name: Uint8Array,
    isContents: boolean,
    isOurs: (path: Buffer) => Promise<boolean>,
  ): Promise<DirectoryTarget> {
    const exists = this.#found.at?.kind === 'directory' || this.#isHome;
    if (this.#found.at !== undefined && !exists) {
      throw new CopyError('destination-in-the-way', `${cleanText(this.path)} is not a directory.`);
    }
    const isOwn = !isContents && !this.#isSeveral && !this.#isHome && (!exists || (await isOurs(this.#canonical)));
    const isHere = isContents || isOwn;
    if (isHere && this.#found.isDanglingLink) throw dangling(this.path);
    if (isHere) return { path: this.#canonical, existing: this.#found.at, isGiven: this.#isHome, isOwn };
    const path = joinPath(this.#canonical, name);
    const found = await look(connection, path);
    if (found.isDanglingLink) throw dangling(path);
    if (found.at !== undefined && found.at.kind !== 'directory') {
      throw new CopyError('destination-in-the-way', `${cleanText(path)} is not a directory.`);
    }
    const real = found.at === undefined ? undefined : await realPathOf(connection, path);
    return { path: real ?? path, existing: found.at, isGiven: false, isOwn: false };
  }

  /**
   * Creates the directory of the targets, and those above it that are missing.
   * @throws {CopyError} of the destination: it cannot be created
   */
  async prepare(connection: DestinationFiles): Promise<void> {
    if (this.#missing !== undefined) await makeDirectories(connection, this.#missing, 0);
  }
}

function dangling(path: Buffer): CopyError {
  const message = `${cleanText(path)} is a symbolic link to something that does not exist.`;
  return new CopyError('destination-dangling-link', message);
}

function nameTooLong(path: Buffer): CopyError {
  const message = `A name of ${baseName(path).length} bytes is refused there: ${cleanText(path)}.`;
  return new CopyError('destination-refused', message, { advice: 'Choose a shorter name for the target.' });
}

/** The home directory, where a session begins. */
const HERE = Buffer.from('.');

async function look(connection: DestinationFiles, path: Buffer): Promise<Found> {
  const [followed, link] = await Promise.all([
    unlessRefused(connection.stat(path)),
    unlessRefused(connection.lstat(path)),
  ]);
  const isLink = link.found?.kind === 'link';
  const isDanglingLink = !followed.isRefused && followed.found === undefined && isLink;
  return { at: followed.found, isLink, isDanglingLink, isUnseen: followed.isRefused };
}

/** A refusal of the server is a result; other failures reject. */
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

/** Undefined: the path does not exist, or the server does not resolve it. */
async function realPathOf(connection: DestinationFiles, path: Buffer): Promise<Buffer | undefined> {
  try {
    return Buffer.from(await connection.realPath(path));
  } catch (error) {
    if (CopyError.from(error).scope === 'file') return undefined;
    throw error;
  }
}

async function makeDirectories(connection: DestinationFiles, path: Buffer, depth: number): Promise<void> {
  if (depth > MAX_DEPTH) throw new CopyError('destination-refused', `${cleanText(path)} is nested too deep.`);
  const { at, isUnseen } = await look(connection, path);
  if (at?.kind === 'directory') return;
  if (at !== undefined) throw new CopyError('destination-in-the-way', `${cleanText(path)} is not a directory.`);
  const parent = directoryName(path);
  if (baseName(path).length > 0 && parent.length > 0) await makeDirectories(connection, parent, depth + 1);
  if (isDots(baseName(path))) return;
  // If the server does not say whether it is there, it may be: opening a file in it will show that.
  await (isUnseen
    ? unlessRefused(connection.makeDirectory(path).then(() => undefined))
    : connection.makeDirectory(path));
}
