/** What a run is told, and what comes out of it. */
import type { CopyError } from '../../errors.ts';
import type { ConnectionPoolOptions } from '../connections/connection-pool.ts';
import type { VerifiedBytes } from '../events.ts';
import type { JournalStore } from '../resume/file-journal.ts';
import type { DigestOptions } from '../verify/digest-providers.ts';
import type { JobOptions } from './direction.ts';

export interface TransferOptions extends ConnectionPoolOptions, JobOptions {
  readonly digests: DigestOptions;
  readonly dryRun: boolean;
  /** Undefined: nothing is kept for another run. */
  readonly journals?: JournalStore | undefined;
}

export interface TransferOutcome {
  readonly filesDone: number;
  readonly filesFailed: number;
  readonly bytesSent: number;
  /** Of the files that are done: what an earlier run had sent. */
  readonly bytesResumed: number;
  /** Of the files that failed: what another run need not send. */
  readonly bytesKept: number;
  /** Of those, the bytes that could not be looked at after the failure. */
  readonly bytesKeptUnseen?: number;
  /** The most that were open at one time. */
  readonly connectionsUsed: number;
  /** Bytes of the files that are done, by what they were verified by. */
  readonly verified: VerifiedBytes;
  /** What ended the run, or else the failure of the first file job that failed. */
  readonly error: CopyError | undefined;
  /** Whether `error` ended the run. */
  readonly ended: boolean;
}
