/**
 * What a run tells its observers: one versioned stream of plain data, the same for terminal, `--json` and library.
 * Rates are sampled from counters; there is never one event a request. Texts may come from a server, and paths are
 * reversible text of their bytes (`util/bytes-text.ts`): clean both before printing.
 */
import type { CopyErrorData } from '../errors.ts';

export type TransferEvent = {
  readonly v: 1 /** Milliseconds since 1970. */;
  readonly atMs: number;
} & TransferEventBody;

export type TransferEventBody =
  /** What is going to be copied. Only connections and notices are told of before. */
  | {
      readonly type: 'plan';
      readonly direction: 'upload' | 'download';
      readonly files: number;
      readonly bytes: number;
      /** False where the sizes of some sources are not known: `bytes` is without them. */
      readonly isTotalKnown?: boolean;
      readonly connections: number;
      readonly destination: string;
      readonly dryRun: boolean;
    }
  | {
      readonly type: 'file';
      readonly state: 'started' | 'committing' | 'done' | 'failed' | 'would-copy';
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
      /** When it will be tried again. */
      readonly retryInMs?: number;
    }
  /** Something worth a line that is no failure, such as why one connection writes a file; `detail`: with `-v` only. */
  | {
      readonly type: 'notice';
      readonly level: 'detail' | 'info' | 'warning';
      readonly code: string;
      readonly message: string;
    }
  /** About four a second. */
  | {
      readonly type: 'progress';
      /** Resumed ones included. */
      readonly bytesDone: number;
      /** Of those, what an earlier run had sent; rate and ETA do not count them. */
      readonly bytesResumed: number;
      readonly bytesTotal: number;
      /** False while a source is sent that tells its size only by its end: until then `bytesTotal` may grow or shrink. */
      readonly isTotalKnown?: boolean;
      readonly filesDone: number;
      readonly filesTotal: number;
      readonly bytesPerSecond: number;
      /** Undefined while nothing is known. */
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
  /** Without the time that a person took to answer questions. */
  readonly elapsedMs: number;
  /** What ended the run, or else the failure of the first file job that failed. */
  readonly error?: CopyErrorData;
}

/** What was done. A figure that is added here is in the result of the library and in the last event. */
export interface TransferTotals {
  readonly filesDone: number;
  readonly filesFailed: number;
  readonly bytesSent: number;
  /** Of the files that are done: what an earlier run had sent. */
  readonly bytesResumed: number;
  /** Of the files that failed: what the same command need not send again. */
  readonly bytesKept: number;
  /** Of those, the bytes that could not be looked at after the failure; absent: none. */
  readonly bytesKeptUnseen?: number;
  /** How much was verified by what, in bytes. */
  readonly verified: VerifiedBytes;
  /** The most connections that were open at one time. */
  readonly connectionsUsed: number;
}

/** Bytes of the files that are done, by what they were verified by. */
export interface VerifiedBytes {
  /** The server's digest of the piece equals ours. */
  readonly byDigest: number;
  readonly byReadBack: number;
  /** Nothing but the size of the whole. */
  readonly bySize: number;
  readonly notVerified: number;
}

export type Observer = (event: TransferEvent) => void;
