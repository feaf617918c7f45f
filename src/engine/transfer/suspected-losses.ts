/**
 * What a restart of the server may have taken from one file: acknowledged bytes that no sync had made durable. Where the
 * server can hash them, they are compared when the file is transferred; elsewhere they are sent again at once.
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
  /** Undefined where nothing is kept for another run. */
  readonly resume: Pick<JobResume, 'canRecheck' | 'recheck'> | undefined;
  readonly isTransferring: boolean;
}

export class SuspectedLosses {
  readonly #job: SuspectingJob;
  #isSuspected = false;
  /** What is to be compared when the transfer continues. */
  #toCompare: readonly Range[] = [];

  constructor(job: SuspectingJob) {
    this.#job = job;
  }

  /** Whether bytes may have been lost since {@link accept} was called. */
  get isSuspected(): boolean {
    return this.#isSuspected;
  }

  /** The server may have been restarted. Returns whether that concerns the file. */
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

  /** All that may have been lost is known to the ledger. */
  accept(): void {
    this.#isSuspected = false;
  }

  /** The file begins, or begins again: nothing is left of what was suspected. */
  restart(): void {
    this.#toCompare = [];
  }

  /** The file is transferred. */
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
