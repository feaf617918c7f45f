/**
 * Uses fewer connections where a server refuses to open files because too many connections are in use, as proftpd does
 * with `MaxTransfersPerUser` and `MaxTransfersPerHost`. The refusal is that of a file or directory that nobody may use,
 * and some versions count each connection that is logged in. So one connection fewer is used, and the file is opened
 * again, until that succeeds or one connection is left.
 *
 * If it is refused even then, the number of connections was not the reason: as many are used again as before, and this
 * is not tried any more in this run. Until then, other files lose connections that they use, once in a run.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { ConnectionPool } from './connection-pool.ts';

/** The time in which a server notices that a connection was closed. */
const PAUSE_MS = 100;
/**
 * How often it is tried with one connection: the server may still know others that were in the middle of their login.
 */
const MAX_LAST_ATTEMPTS = 5;
/** From so many connections on, half of them are closed at a time. */
const MANY = 16;

export type AdmittingPool = Pick<ConnectionPool, 'open' | 'wanted' | 'drop' | 'limit'>;

export interface FileAdmissionOptions {
  /** Resolves after so many milliseconds. Default: by a timer. */
  readonly wait?: (ms: number) => Promise<unknown>;
  /** What the files are opened for. */
  readonly purpose: 'read' | 'write';
  /** Whether the server denied the opening of a file, for whatever reason. */
  readonly isRefusedOpen: (error: CopyError) => boolean;
  /** For people: a sentence that says how many connections are used, and why. */
  readonly notice: (message: string) => void;
}

export class FileAdmission {
  readonly #options: FileAdmissionOptions;
  #isNoReason = false;
  /** So many connections are known to be admitted, and no more were. */
  #admitted = Number.POSITIVE_INFINITY;
  /**
   * Settles when the attempts for another file have ended: together they would close more connections than necessary.
   */
  #trying: Promise<unknown> = Promise.resolve();

  constructor(options: FileAdmissionOptions) {
    this.#options = options;
  }

  /** Whether a file that the server refuses to open may be opened with fewer connections. */
  get mayHelp(): boolean {
    return !this.#isNoReason;
  }

  /**
   * Calls `open`. While the server refuses to open the file and `mayBeFull()` is true (too many connections may be in
   * use), repeats it with fewer connections, unless that has not helped before ({@link mayHelp}).
   * @throws whatever `open` rejects with
   */
  async admit<T>(pool: AdmittingPool, open: () => Promise<T>, mayBeFull: () => boolean): Promise<T> {
    try {
      return await open();
    } catch (error) {
      if (!this.#isTriedFor(error) || !mayBeFull()) throw error;
    }
    const trial = this.#trying.then(() => this.#openWithFewer(pool, open));
    this.#trying = trial.catch(() => {});
    return trial;
  }

  /**
   * `connection` could not open a file that at least two others have open: it is closed, and none takes its place.
   * Returns false where that is not so.
   */
  excludes(pool: AdmittingPool, connection: number, error: CopyError): boolean {
    if (pool.open.length < 3 || !this.#options.isRefusedOpen(error)) return false;
    pool.drop(connection);
    pool.limit('admission', pool.open.length);
    this.#onAdmitted(pool.open.length, error);
    return true;
  }

  async #openWithFewer<T>(pool: AdmittingPool, open: () => Promise<T>): Promise<T> {
    const { wait = delay } = this.#options;
    let refusal: CopyError | undefined;
    for (let left = MAX_LAST_ATTEMPTS; left > 0 && this.mayHelp; ) {
      try {
        const opened = await open();
        if (refusal !== undefined) this.#onAdmitted(pool.open.length, refusal);
        return opened;
      } catch (error) {
        if (!this.#isTriedFor(error)) throw error;
        refusal = CopyError.from(error);
      }
      if (pool.wanted <= 1 && pool.open.length <= 1) left--;
      const { length } = pool.open;
      pool.limit('admission', length >= MANY ? Math.ceil(length / 2) : length - 1);
      await wait(PAUSE_MS);
    }
    this.#isNoReason = true;
    pool.limit('admission', this.#admitted);
    return open();
  }

  #onAdmitted(connections: number, { message }: CopyError): void {
    this.#admitted = connections;
    const number = connections === 1 ? '1 connection is' : `${connections} connections are`;
    const why = cleanText(message).replace(/\.$/, '');
    this.#options.notice(
      `${number} used, because the server lets no more of them ${this.#options.purpose} at a time (${why}).`,
    );
  }

  #isTriedFor(error: unknown): boolean {
    return this.mayHelp && this.#options.isRefusedOpen(CopyError.from(error));
  }
}
