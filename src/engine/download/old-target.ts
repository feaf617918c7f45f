/**
 * What is at the target of a download before it is replaced. Where samples show that it has some of the source, and the
 * server can hash the rest, only what differs is fetched: with `--inplace`, the right pieces stay where they are;
 * otherwise they are copied into the partial file, and the old file is only read.
 *
 * What can go wrong: the old file cannot be read, or changes meanwhile. Nothing relies on it: what was copied is
 * compared in the partial file, and what is missing or wrong there is fetched.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CopyError } from '../../errors.ts';
import type { Range } from '../../remotes/remote.ts';
import type { LocalPartial } from '../local/local-partial.ts';
import { likeness } from '../resume/likeness.ts';
import { drainTo } from '../runner/descriptor-drain.ts';
import { fillFrom } from '../runner/descriptor-fill.ts';
import { cellsOf, pieceCount } from '../schedule/grid.ts';
import type { Claims, OlderVersion } from '../transfer/job-resume.ts';
import { isUsefulOld, type UsefulOldServices } from '../transfer/useful-old.ts';
import type { RemoteSource } from './remote-source.ts';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Bytes that are copied at once. */
const STEP = 1024 * 1024;

export interface OldTargetOptions {
  readonly target: Uint8Array;
  /** Bytes of the source. */
  readonly size: number;
  readonly pieceSize: number;
}

export class OldTarget {
  readonly #services: UsefulOldServices;
  readonly #source: Pick<RemoteSource, 'withFile'>;
  readonly #options: OldTargetOptions;
  #file: FileHandle | undefined;

  constructor(services: UsefulOldServices, source: Pick<RemoteSource, 'withFile'>, options: OldTargetOptions) {
    this.#services = services;
    this.#source = source;
    this.#options = options;
  }

  /** What may stay of the target, which is written in place. Undefined: nothing. */
  async inPlace({ fd, found }: LocalPartial): Promise<Claims | undefined> {
    const length = Math.min(found.size, this.#options.size);
    return (await this.#isUseful(fd, length)) ? { claims: [{ offset: 0, length }], by: 'digests' } : undefined;
  }

  /**
   * What may be copied to `partial`. Undefined: nothing. `onWriting` is called with each range before it is written. It
   * is valid until {@link close}.
   */
  async beside(partial: LocalPartial, onWriting: (range: Range) => void): Promise<OlderVersion | undefined> {
    await this.close();
    const file = await open(Buffer.from(this.#options.target), O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(
      () => undefined,
    );
    if (file === undefined) return undefined;
    this.#file = file;
    const stats = await file.stat();
    const length = stats.isFile() ? Math.min(stats.size, this.#options.size) : 0;
    if (!(await this.#isUseful(file.fd, length))) return undefined;
    const copy = copier(file.fd, partial.fd);
    return {
      length,
      copy: async (ranges) => {
        for (const range of ranges) onWriting(range);
        for (const cell of ranges.flatMap((range) => cellsOf(range, STEP))) await copy(cell);
      },
    };
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  #isUseful(fd: number, length: number): Promise<boolean> {
    const { target, size, pieceSize } = this.#options;
    if (pieceCount(size, pieceSize) < 2 || length < pieceSize) return Promise.resolve(false);
    return isUsefulOld(this.#services, target, () => this.#likeness(fd, length));
  }

  /** Failures of the server concern the source itself. */
  async #likeness(fd: number, length: number): Promise<number> {
    try {
      return await this.#source.withFile((file) => likeness((slices, drain) => file.read(slices, drain), fd, length));
    } catch (error) {
      const failure = CopyError.from(error);
      if (failure.code === 'local-io') return 0;
      throw failure;
    }
  }
}

/** Returns a function that copies a range of at most {@link STEP} bytes, as far as the file that is read has them. */
function copier(from: number, to: number): (range: Range) => Promise<void> {
  const [fill, drain] = [fillFrom(from, 'target'), drainTo(to)];
  const buffer = Buffer.allocUnsafe(STEP);
  return async ({ offset, length }) => {
    const part = buffer.subarray(0, length);
    try {
      await fill([part], offset);
    } catch (error) {
      // Where the old file cannot be read any more, the range is fetched.
      if (['partial-refused', 'local-io'].includes(CopyError.from(error).code)) return;
      throw error;
    }
    await drain([part], offset);
  };
}
