/**
 * The events of a run: one versioned stream of plain data, the same for terminal, `--json` and library. Rates are
 * sampled from counters; there is never an event for each request. Texts may come from a server, and paths are
 * reversible text of their bytes (`util/bytes-text.ts`): both must be cleaned before they are printed.
 */
import type { CopyErrorData } from '../errors.ts';

export type TransferEvent = {
  readonly v: 1;
  /** Milliseconds since 1970. */
  readonly atMs: number;
} & TransferEventBody;

export type TransferEventBody =
  /**
   * What is going to be copied. Only events on connections, and notices, come before it. Where trees are walked, it comes
   * again when all of them are.
   */
  | {
      readonly type: 'plan';
      readonly direction: 'upload' | 'download';
      readonly files: number;
      readonly bytes: number;
      /**
       * False where the sizes of some sources are not known, so that `bytes` is without them, and while trees are walked.
       */
      readonly isTotalKnown?: boolean;
      /** True while trees are walked: there may be more files. Absent: all are known. */
      readonly isGrowing?: boolean;
      readonly connections: number;
      readonly destination: string;
      readonly dryRun: boolean;
    }
  | {
      readonly type: 'file';
      /**
       * `skipped`: it is up to date, or exists and is not to be replaced. `would-remove`: what an earlier run has left at
       * `target`; there is no source.
       */
      readonly state: 'started' | 'committing' | 'done' | 'failed' | 'skipped' | 'would-copy' | 'would-remove';
      readonly source: string;
      readonly target: string;
      readonly size: number;
      /** False where `size` is not known before the source has been read to its end. */
      readonly isSizeKnown?: boolean;
      /** Whether there is a target already, which is going to be replaced. */
      readonly replaces?: boolean;
      readonly error?: CopyErrorData;
    }
  | {
      readonly type: 'connection';
      readonly connection: number;
      readonly state: 'opening' | 'open' | 'refused' | 'lost' | 'closed' | 'given-up';
      readonly description?: string;
      readonly error?: CopyErrorData;
      /** After how many milliseconds it is tried again. */
      readonly retryInMs?: number;
    }
  /** A message that is no failure, for example why only one connection writes a file. `detail`: for `-v` only. */
  | {
      readonly type: 'notice';
      readonly level: 'detail' | 'info' | 'warning';
      readonly code: string;
      readonly message: string;
    }
  /** Comes about four times a second. */
  | {
      readonly type: 'progress';
      /** Bytes of all files, resumed ones included. */
      readonly bytesDone: number;
      /** Those of them that an earlier run had sent. Rate and ETA do not include them. */
      readonly bytesResumed: number;
      readonly bytesTotal: number;
      /**
       * False while a source of unknown size is sent, or trees are walked: `bytesTotal` and `filesTotal` may grow, and
       * `bytesTotal` may shrink.
       */
      readonly isTotalKnown?: boolean;
      /** True while trees are walked: there may be more files. Absent: all are known. */
      readonly isGrowing?: boolean;
      readonly filesDone: number;
      readonly filesTotal: number;
      readonly bytesPerSecond: number;
      /** Estimated milliseconds until the end; undefined while there is no estimate. */
      readonly etaMs?: number;
      /** Connections that are open now. */
      readonly connections: number;
      readonly connectionsWanted: number;
    }
  /** The last event. */
  | ({ readonly type: 'result' } & TransferSummary);

/** How a transfer ended, and what was done. */
export interface TransferSummary extends TransferTotals {
  readonly exitCode: number;
  /** Milliseconds, without the time that the user took to answer questions. */
  readonly elapsedMs: number;
  /** What ended the run, or else the failure of the first file job that failed. */
  readonly error?: CopyErrorData;
}

/** The totals of a run. A figure that is added here is also in the result of the library and in the last event. */
export interface TransferTotals {
  readonly filesDone: number;
  readonly filesFailed: number;
  /** Files that were not copied, because they are up to date or exist and are not to be replaced. */
  readonly filesSkipped: number;
  readonly bytesSkipped: number;
  /** Files that were published without being synced, because the disk takes long for that; absent: none. */
  readonly filesNotSynced?: number;
  readonly bytesSent: number;
  /** Bytes of the files that are done that an earlier run had sent. */
  readonly bytesResumed: number;
  /** Bytes of the files that failed that the same command need not send again. */
  readonly bytesKept: number;
  /** Those of the kept bytes that the server could not be asked for after the failure; absent: none. */
  readonly bytesKeptUnseen?: number;
  /** Bytes by the method of their verification. */
  readonly verified: VerifiedBytes;
  /** The most connections that were open at one time. */
  readonly connectionsUsed: number;
}

/** Bytes of the files that are done, by the method of their verification. */
export interface VerifiedBytes {
  /** The server's digest of the piece equals ours. */
  readonly byDigest: number;
  readonly byReadBack: number;
  /** Only the size of the whole file was verified. */
  readonly bySize: number;
  readonly notVerified: number;
}

export type Observer = (event: TransferEvent) => void;
