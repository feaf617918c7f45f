/**
 * The port between the engine and the threads that own connections. Two implementations share one compliance suite:
 * this thread, and a worker. Everything that passes is plain data that `structuredClone` accepts; tests pass each
 * message through it. Progress and rate limit live in shared {@link Counters}.
 */
import type { CopyErrorData } from '../../errors.ts';
import type { Abilities, Range, StageToken, WriterProbe } from '../../remotes/remote.ts';
import type { Hashed, PieceHashing } from './piece-hasher.ts';

/**
 * What the engine tells a runner. Tasks are named by numbers that are used once, connections by numbers from 1 to
 * `MAX_CONNECTIONS`, which may be opened again when `lost` or `open-failed` was reported.
 */
export type RunnerCommand =
  /** Dial. Answered by `opened` or `open-failed`. */
  | { readonly kind: 'open'; readonly connection: number }
  /** Hang up, or stop dialling. Tasks on it end as failed. Answered by `lost` if it was open, else by `open-failed`. */
  | { readonly kind: 'close'; readonly connection: number }
  /**
   * Send a range of the local file behind the descriptor. Answered by `progress` as parts are acknowledged, one `taken`
   * when nothing is left to take (the connection can begin another), and one `ended`.
   */
  | {
      readonly kind: 'send';
      readonly task: number;
      readonly connection: number;
      readonly fd: number;
      readonly of: StageToken;
      readonly range: Range;
      /** Hash each piece that is read as a whole for that, and tell of it by `hashed` before it is acknowledged. */
      readonly hashing?: PieceHashing | undefined;
    }
  /**
   * Receive a range of a file of the server into the local file behind the descriptor. Answered as `send` is; what is
   * written there counts as acknowledged. The file is opened once a connection, and shared by the tasks there.
   */
  | {
      readonly kind: 'receive';
      readonly task: number;
      readonly connection: number;
      readonly fd: number;
      /** The path, as the server keeps it. */
      readonly from: Uint8Array;
      readonly range: Range;
    }
  /** Cut a task short: keep at most `length` bytes. Answered by `shortened` with the length it really keeps. */
  | { readonly kind: 'shorten'; readonly task: number; readonly length: number }
  /** Find out whether `second` may write beside `connection`, which must have no task on this file. Answered by `probed`. */
  | {
      readonly kind: 'probe-writers';
      readonly task: number;
      readonly connection: number;
      readonly second: number;
      readonly fd: number;
      readonly of: StageToken;
      readonly firstOffset: number;
      readonly secondOffset: number;
      /** Of the file. */
      readonly size: number;
    }
  /** Give up a staged file on a connection; no task of it may be under way there. Answered by `left`. */
  | { readonly kind: 'leave'; readonly connection: number; readonly of: StageToken }
  /**
   * Close the file that tasks on a connection received from, if they did; none of them may be under way there. Answered
   * by `file-closed`.
   */
  | { readonly kind: 'close-file'; readonly connection: number; readonly from: Uint8Array }
  /** Find out whether the server answers on a connection, whatever it says. Answered by `answered`. */
  | { readonly kind: 'ask'; readonly connection: number };

/** What a runner tells the engine. */
export type RunnerReport =
  | {
      readonly kind: 'opened';
      readonly connection: number;
      readonly abilities: Abilities;
      readonly description: string;
    }
  /** May come before `opened`: the server has let it in, and does not count it among its handshakes any more. */
  | { readonly kind: 'admitted'; readonly connection: number }
  | { readonly kind: 'open-failed'; readonly connection: number; readonly error: CopyErrorData }
  /** An open connection is gone; its tasks have ended before. Without an error: it was closed as told. */
  | { readonly kind: 'lost'; readonly connection: number; readonly error?: CopyErrorData }
  | { readonly kind: 'progress'; readonly task: number; readonly acknowledged: readonly Range[] }
  /** What pieces of the local file had in them when they were read. */
  | ({ readonly kind: 'hashed'; readonly task: number } & Hashed)
  | { readonly kind: 'taken'; readonly task: number }
  | { readonly kind: 'shortened'; readonly task: number; readonly length: number }
  /** The last word on a task: everything it still had to carry is acknowledged, or `error` says why not. */
  | { readonly kind: 'ended'; readonly task: number; readonly error?: CopyErrorData }
  | { readonly kind: 'probed'; readonly task: number; readonly result?: WriterProbe; readonly error?: CopyErrorData }
  /** `error` when the server reported a failure on closing. */
  | {
      readonly kind: 'left';
      readonly connection: number;
      readonly of: StageToken;
      readonly error?: CopyErrorData;
    }
  /** `error` when the server reported a failure on closing. */
  | {
      readonly kind: 'file-closed';
      readonly connection: number;
      readonly from: Uint8Array;
      readonly error?: CopyErrorData;
    }
  /** `error` when no answer came: the connection is gone, or about to be. */
  | { readonly kind: 'answered'; readonly connection: number; readonly error?: CopyErrorData }
  /** The connection would get on better if it were closed and opened anew: another thread has room for it. */
  | { readonly kind: 'relocate'; readonly connection: number };

export interface PieceRunner {
  /** Carries out a command; never throws, failures come as reports. */
  post(command: RunnerCommand): void;
  /** The one listener; reports come in the order in which things happened. Set before the first command. */
  onReport(listener: (report: RunnerReport) => void): void;
  /** Closes every connection and ends what the runner holds. */
  end(): Promise<void>;
}
