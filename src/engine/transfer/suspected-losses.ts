/**
 * Deals with the acknowledged bytes of one file that a restart of the server may have lost because they were not
 * synced. If the server can compute digests, the bytes are compared as soon as the file is being transferred; otherwise
 * they are sent again.
 */
import type { Range } from '../../remotes/remote.ts';
import { formatSize } from '../../util/format-size.ts';
import type { Report } from './direction.ts';
import type { JobLedger } from './job-ledger.ts';
import type { JobResume } from './job-resume.ts';

/** The file job. */
export interface SuspectingJob {
  /** For messages. */
  readonly name: string;
  readonly ledger: Pick<JobLedger, 'atRisk' | 'withdraw' | 'distrust'>;
  readonly report: Pick<Report, 'notice'>;
  /** Undefined for a file of one piece. */
  readonly resume: Pick<JobResume, 'canRecheck' | 'recheck'> | undefined;
  readonly isTransferring: boolean;
}

export class SuspectedLosses {
  readonly #job: SuspectingJob;
  #isSuspected = false;
  /** Ranges that are to be compared when the transfer continues. */
  #toCompare: readonly Range[] = [];

  constructor(job: SuspectingJob) {
    this.#job = job;
  }

  /** Whether bytes may have been lost since {@link accept} was called. */
  get isSuspected(): boolean {
    return this.#isSuspected;
  }

  /** The server may have been restarted. Returns whether the file may have lost anything. */
  onMayHaveRestarted(): boolean {
    const { ledger, resume } = this.#job;
    const ranges = [...ledger.atRisk];
    if (ranges.length === 0) return false;
    this.#isSuspected = true;
    if (resume?.canRecheck) {
      for (const range of ranges) ledger.withdraw(range);
      this.#toCompare = [...this.#toCompare, ...ranges];
      if (this.#job.isTransferring) this.compare();
    } else {
      this.#tellSentAgain(ledger.distrust());
    }
    return true;
  }

  /** Everything in doubt was withdrawn from the ledger: nothing is suspected now. */
  accept(): void {
    this.#isSuspected = false;
  }

  /** The file begins, or begins again: no range is in doubt any more. */
  restart(): void {
    this.#toCompare = [];
  }

  /** Begins to compare the ranges in doubt. The file is being transferred. */
  compare(): void {
    const ranges = this.#toCompare;
    this.#toCompare = [];
    if (ranges.length > 0) this.#job.resume?.recheck(ranges, (bytes) => this.#tellSentAgain(bytes));
  }

  #tellSentAgain(bytes: number): void {
    const why = 'every connection was lost, and the server may have been restarted';
    const message = `${this.#job.name}: ${formatSize(bytes)} are sent again, because ${why}.`;
    this.#job.report.notice('sent-again', message, 'warning');
  }
}
