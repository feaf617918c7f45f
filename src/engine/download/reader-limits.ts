/**
 * Servers that let few files be read at a time. Such a server refuses to open a file while other jobs of this run have
 * theirs open, or while it has not noticed yet that a connection was lost. The refusal looks like one of permission.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { CopyError, type ErrorCode } from '../../errors.ts';
import type { Report } from '../transfer/direction.ts';

const PAUSE_MS = 100;
const GRACE_MS = 2000;
const REFUSALS: readonly ErrorCode[] = ['source-missing', 'source-unreadable', 'source-unsupported', 'unsupported'];

/** Whether a server that lets few connections read at a time may have refused to let one more open or read a file. */
export function isRefusal({ code }: CopyError): boolean {
  return REFUSALS.includes(code);
}

/** Whether the server denied the opening of a file for reading. */
export function isRefusedOpen({ code, refused }: CopyError): boolean {
  return code === 'source-unreadable' && refused?.operation === 'open';
}

export interface ReaderLimitsOptions {
  /** For how long a file that this run had open is refused at most because its lost connection is not noticed yet. */
  readonly retryForMs: number;
  /** How long after the last read any other file may be refused because of it, in milliseconds. Default: 2000. */
  readonly graceMs?: number;
  readonly report: Pick<Report, 'emit'>;
  /** Aborted when the run is over. */
  readonly signal: AbortSignal;
}

export class ReaderLimits {
  readonly #options: ReaderLimitsOptions;
  /** Numbers of the jobs that have a file open, or are about to. */
  readonly #busy: Set<number> = new Set();
  /** When a job had a file open for the last time. */
  #lastReadMs = Number.NEGATIVE_INFINITY;
  #are: 'unknown' | 'there' | 'not there' = 'unknown';
  /** Settles when the last job that waits has its file open, or has given up: one at a time tries again. */
  #turns: Promise<void> = Promise.resolve();

  constructor(options: ReaderLimitsOptions) {
    this.#options = options;
  }

  /**
   * Opens the file of `job` by `open`, which is called again after a refusal as long as that may be due to other reads.
   * `isAgain`: whether it was open before, so that it may be read.
   * @throws whatever `open` rejects with; why the run is over
   */
  async open(job: number, isAgain: boolean, open: () => Promise<void>): Promise<void> {
    try {
      return await this.#try(job, open);
    } catch (error) {
      if ((this.#are === 'not there' && !isAgain) || !isRefusal(CopyError.from(error))) throw error;
    }
    const waiting = this.#turns.then(() => this.#openLater(job, isAgain, open));
    this.#turns = waiting.catch(() => {});
    await waiting;
    this.#foundOut();
  }

  /** `job` does not read any more, or has lost the connections that did. */
  onEnded(job: number): void {
    if (this.#busy.delete(job)) this.#lastReadMs = performance.now();
  }

  async #openLater(job: number, isAgain: boolean, open: () => Promise<void>): Promise<void> {
    const { retryForMs, graceMs = GRACE_MS, signal } = this.#options;
    for (;;) {
      try {
        return await this.#try(job, open);
      } catch (error) {
        if (!isRefusal(CopyError.from(error))) throw error;
        // A file that may never be read must not keep the others from their turns for long.
        const patienceMs = isAgain ? retryForMs : graceMs;
        if (this.#busy.size === 0 && performance.now() - this.#lastReadMs >= patienceMs) {
          // It is not due to other reads, and no other refusal need be waited for.
          if (this.#lastReadMs > Number.NEGATIVE_INFINITY && this.#are === 'unknown') this.#are = 'not there';
          throw error;
        }
      }
      await delay(PAUSE_MS, undefined, { signal }).catch(() => {});
      signal.throwIfAborted();
    }
  }

  async #try(job: number, open: () => Promise<void>): Promise<void> {
    this.#busy.add(job);
    try {
      await open();
    } catch (error) {
      this.#busy.delete(job);
      throw error;
    }
  }

  #foundOut(): void {
    if (this.#are === 'there') return;
    this.#are = 'there';
    const message = 'The server lets few files be read at a time; the others wait for their turn.';
    this.#options.report.emit({ type: 'notice', level: 'detail', code: 'few-readers', message });
  }
}
