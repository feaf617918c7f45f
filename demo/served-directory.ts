import { realpath } from 'node:fs/promises';
import { basename, dirname, join, posix, sep } from 'node:path';

/** What is asked for lies outside of what is served. */
export class OutsideError extends Error {
  override readonly name = 'OutsideError';
}

/** The one directory the demo's server serves: to its clients it is the root. */
export class ServedDirectory {
  readonly #root: string;

  /** `root`: as `realpath` gives it. */
  constructor(root: string) {
    this.#root = root;
  }

  /** The path as clients see it: absolute, without `.` and `..`. */
  canonical(path: string): string {
    return posix.normalize(posix.join('/', path));
  }

  /**
   * Where a client's path really is. Its directory must exist; it need not, and if it is a link that is not followed.
   * @throws OutsideError when a `..`, a link or a foreign separator would lead out of the directory
   */
  async local(path: string): Promise<string> {
    const wanted = posix.normalize(path.replace(/^\/+/, ''));
    const climbs = wanted === '..' || wanted.startsWith('../');
    if (climbs || wanted.includes('\0') || (sep !== '/' && wanted.includes(sep))) throw new OutsideError();
    if (wanted === '.') return this.#root;
    const there = join(this.#root, wanted);
    return this.#inside(join(await realpath(dirname(there)), basename(there)));
  }

  /** The same, links followed to their end. */
  async followed(path: string): Promise<string> {
    const local = await this.local(path);
    return this.#inside(await realpath(local));
  }

  #inside(local: string): string {
    if (local !== this.#root && !local.startsWith(`${this.#root}${sep}`)) throw new OutsideError();
    return local;
  }
}
