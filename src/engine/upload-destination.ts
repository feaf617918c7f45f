/** Where uploaded files go: the destination rules of the command line, asked of the server. */
import { CopyError } from '../errors.ts';
import type { Attributes, RemoteConnection } from '../remotes/remote.ts';
import { cleanText } from '../util/clean-text.ts';
import { baseName, directoryName, endsWithSlash, isAbsolute, joinPath, withoutTrailingSlashes } from './remote-path.ts';

/** Deeper trees of missing directories are a mistake or an attack. */
const MAX_DEPTH = 256;

export interface UploadTarget {
  /** Absolute; of the file a symbolic link names, where the destination is one. */
  readonly path: Buffer;
  /** What is going to be replaced. */
  readonly old: Attributes | undefined;
}

export class UploadDestination {
  readonly #path: Buffer;
  /** Whether files go into it rather than become it. */
  readonly #isDirectory: boolean;
  /** Missing directories, which are made when the first file is. */
  readonly #create: boolean;

  private constructor(path: Buffer, isDirectory: boolean, create: boolean) {
    this.#path = path;
    this.#isDirectory = isDirectory;
    this.#create = create;
  }

  /**
   * Looks at what stands at `path` (empty: the home directory; relative: below it).
   * @throws CopyError with exit code 4 when several files would have to become one.
   */
  static async resolve(connection: RemoteConnection, path: Uint8Array, several: boolean): Promise<UploadDestination> {
    const home = Buffer.from('.');
    const below = path.length === 0 || home.equals(path) ? Buffer.alloc(0) : path;
    const whole = isAbsolute(path) ? path : joinPath(await connection.realPath(home), below);
    // Of `file/` OpenSSH says that there is no such file.
    const absolute = withoutTrailingSlashes(whole);
    const found = await connection.stat(absolute);
    if (found?.kind === 'directory') return new UploadDestination(absolute, true, false);
    const wantsDirectory = several || endsWithSlash(path) || isDots(baseName(path));
    if (found !== undefined && wantsDirectory) {
      throw new CopyError('destination-in-the-way', `${cleanText(absolute)} is not a directory.`);
    }
    return new UploadDestination(absolute, wantsDirectory, found === undefined);
  }

  /** The absolute path, as it is shown. */
  get path(): Buffer {
    return this.#path;
  }

  /**
   * The target for a source of this name.
   * @throws CopyError with exit code 4 when something else stands there.
   */
  async targetFor(connection: RemoteConnection, sourceName: Uint8Array): Promise<UploadTarget> {
    const path = this.#isDirectory ? joinPath(this.#path, sourceName) : this.#path;
    const shown = cleanText(path);
    const old = await connection.stat(path);
    if (old === undefined) {
      const link = await connection.lstat(path);
      if (link?.kind === 'link') {
        throw new CopyError(
          'destination-dangling-link',
          `${shown} is a symbolic link to something that does not exist.`,
        );
      }
      return { path, old: undefined };
    }
    if (old.kind === 'directory') throw new CopyError('destination-is-directory', `${shown} is a directory.`);
    if (old.kind !== 'file') throw new CopyError('destination-in-the-way', `${shown} is not a regular file.`);
    return { path: Buffer.from(await connection.realPath(path)), old };
  }

  /** Makes the directories that are missing on the way to the targets. */
  async prepare(connection: RemoteConnection): Promise<void> {
    if (this.#create) await makeDirectories(connection, this.#isDirectory ? this.#path : directoryName(this.#path), 0);
  }
}

/** Names that only directories have. */
function isDots(name: Uint8Array): boolean {
  return ['.', '..'].includes(Buffer.from(name).toString('latin1'));
}

async function makeDirectories(connection: RemoteConnection, path: Buffer, depth: number): Promise<void> {
  if (depth > MAX_DEPTH) throw new CopyError('destination-refused', `${cleanText(path)} is nested too deep.`);
  const found = await connection.stat(path);
  if (found?.kind === 'directory') return;
  if (found !== undefined) throw new CopyError('destination-in-the-way', `${cleanText(path)} is not a directory.`);
  const parent = directoryName(path);
  if (baseName(path).length > 0 && parent.length > 0) await makeDirectories(connection, parent, depth + 1);
  if (!isDots(baseName(path))) await connection.makeDirectory(path);
}
