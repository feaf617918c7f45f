/** The options of a run, and its outcome. */
import type { CopyError } from '../../errors.ts';
import type { ConnectionPoolOptions } from '../connections/connection-pool.ts';
import type { TransferTotals } from '../events.ts';
import type { JournalStore } from '../resume/file-journal.ts';
import type { DigestOptions } from '../verify/digest-providers.ts';
import type { JobOptions } from './direction.ts';

export interface TransferOptions extends ConnectionPoolOptions, JobOptions {
  readonly digests: DigestOptions;
  readonly dryRun: boolean;
  /** How many connections the run may use; undefined: `wanted`, whatever is to be copied. */
  readonly connections?: number | 'auto';
  /** Whether files are compared, so that a dry run asks for many digests at a time. Default: false. */
  readonly comparesAll?: boolean;
  /** Undefined: nothing is kept for another run. */
  readonly journals?: JournalStore | undefined;
}

export interface TransferOutcome extends TransferTotals {
  /** What ended the run, or else the failure of the first file job that failed. */
  readonly error: CopyError | undefined;
  /** Whether `error` ended the run. */
  readonly hasEndedRun: boolean;
}
