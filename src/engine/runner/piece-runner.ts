/**
 * The port between the engine and the threads that own connections. It has two implementations, this thread and a
 * worker, which share one compliance suite. Commands and reports are plain data that `structuredClone` accepts, and
 * tests pass each of them through it. Progress and rate limit are in shared `Counters`.
 */
import type { CopyErrorData } from '../../errors.ts';
import type { Abilities, Range, StageToken, WriterProbe } from '../../remotes/remote.ts';
import type { Hashed, PieceHashing } from './piece-hasher.ts';

/**
 * What the engine tells a runner. The number of a task is used once. The number of a connection is from 1 to
 * `MAX_CONNECTIONS`; the connection may be opened again after `lost` or `open-failed` was reported. `job` is the number
 * of the file job that waits for the answer; the answer names it, so that no other job is asked whether it is meant.
 */
export type RunnerCommand =
  /** Open a connection. Answered by `opened` or `open-failed`. */
  | { readonly kind: 'open'; readonly connection: number }
  /**
   * Close a connection, or stop opening it. Its tasks fail. Answered by `lost` if it was open, else by `open-failed`.
   */
  | { readonly kind: 'close'; readonly connection: number }
  /**
   * Send a range of the local file that the descriptor names. Answered by `progress` as parts are acknowledged, by one
   * `taken` when no bytes are left to take (then the connection can begin another task), and by one `ended`.
   */
  | {
      readonly kind: 'send';
      readonly task: number;
      readonly connection: number;
      readonly fd: number;
      readonly of: StageToken;
      readonly range: Range;
      /** Hash each piece that is read as a whole for this task, and report it by `hashed` before it is acknowledged. */
      readonly hashing?: PieceHashing | undefined;
    }
  /**
   * Receive a range of a file of the server into the local file that the descriptor names. Answered as `send` is; bytes
   * that were written to the local file count as acknowledged. Each connection opens the file once, for all of its
   * tasks.
   */
  | {
      readonly kind: 'receive';
      readonly task: number;
      readonly connection: number;
      readonly fd: number;
      /** The path, as the server keeps it. */
      readonly from: Uint8Array;
      readonly range: Range;
      /** Hash each piece that is received as a whole by this task, in order, and report it as for `send`. */
      readonly hashing?: PieceHashing | undefined;
    }
  /**
   * Cut a task short: it is to keep at most `length` bytes. Answered by `shortened` with the length that it does keep.
   */
  | { readonly kind: 'shorten'; readonly task: number; readonly length: number }
  /**
   * Find out whether `second` may write beside `connection`, which must have no task on this file. Answered by
   * `probed`.
   */
  | {
      readonly kind: 'probe-writers';
      readonly job: number;
      readonly task: number;
      readonly connection: number;
      readonly second: number;
      readonly fd: number;
      readonly of: StageToken;
      readonly firstOffset: number;
      readonly secondOffset: number;
      /** Of the file, bytes. */
      readonly size: number;
    }
  /** Close a staged file on a connection; no task may use it there. Answered by `left`. */
  | { readonly kind: 'leave'; readonly job: number; readonly connection: number; readonly of: StageToken }
  /**
   * Close a file of the server on a connection, if tasks have received from it there; none of them may be in progress.
   * Answered by `file-closed`.
   */
  | { readonly kind: 'close-file'; readonly job: number; readonly connection: number; readonly from: Uint8Array }
  /** Find out whether the server answers on a connection; what it answers does not matter. Answered by `answered`. */
  | { readonly kind: 'ask'; readonly connection: number };

/** What a runner tells the engine. */
export type RunnerReport =
  | {
      readonly kind: 'opened';
      readonly connection: number;
      readonly abilities: Abilities;
      readonly description: string;
    }
  /**
   * May come before `opened`: the server has logged the connection in, and does not count it as a handshake any more.
   */
  | { readonly kind: 'admitted'; readonly connection: number }
  | { readonly kind: 'open-failed'; readonly connection: number; readonly error: CopyErrorData }
  /** An open connection is gone; its tasks have ended before. Without an error: the engine had it closed. */
  | { readonly kind: 'lost'; readonly connection: number; readonly error?: CopyErrorData }
  | { readonly kind: 'progress'; readonly task: number; readonly acknowledged: readonly Range[] }
  /** The digests of pieces of the local file, as they were read or written. */
  | ({ readonly kind: 'hashed'; readonly task: number } & Hashed)
  | { readonly kind: 'taken'; readonly task: number }
  | { readonly kind: 'shortened'; readonly task: number; readonly length: number }
  /** The last report on a task: all bytes that it kept are acknowledged, or `error` says why not. */
  | { readonly kind: 'ended'; readonly task: number; readonly error?: CopyErrorData }
  | {
      readonly kind: 'probed';
      readonly job: number;
      readonly task: number;
      readonly result?: WriterProbe;
      readonly error?: CopyErrorData;
    }
  /** `error`: what the server reported when the file was closed. */
  | {
      readonly kind: 'left';
      readonly job: number;
      readonly connection: number;
      readonly of: StageToken;
      readonly error?: CopyErrorData;
    }
  /** `error`: what the server reported when the file was closed. */
  | {
      readonly kind: 'file-closed';
      readonly job: number;
      readonly connection: number;
      readonly from: Uint8Array;
      readonly error?: CopyErrorData;
    }
  /** `error`: no answer came, because the connection is lost or about to be. */
  | { readonly kind: 'answered'; readonly connection: number; readonly error?: CopyErrorData }
  /** The connection should be closed and opened anew, because another thread has more capacity for it. */
  | { readonly kind: 'relocate'; readonly connection: number };

export interface PieceRunner {
  /** Carries out a command. Never throws: failures are reported. */
  post(command: RunnerCommand): void;
  /** Sets the only listener, before the first command. Reports come in the order in which things happened. */
  onReport(listener: (report: RunnerReport) => void): void;
  /** Closes every connection and ends what the runner holds. */
  end(): Promise<void>;
}
