/** The one place that wires remote, runners and engine into a transfer. */
import type { Observer } from './engine/events.ts';
import type { CopyErrorData } from './errors.ts';
import type { Interaction } from './remotes/remote.ts';
import type { SshInput } from './remotes/sftp/ssh/ssh-options.ts';

/** What an upload is told. Sizes in bytes, times in milliseconds. */
export interface PutOptions {
  /** Local paths, as bytes. At least one. */
  readonly sources: readonly Uint8Array[];
  /** Path on the server, as bytes; empty: the home directory; relative: below it. */
  readonly destination: Uint8Array;
  readonly ssh: SshInput;
  /** A maximum. `auto`: by what there is to send, at most 10. */
  readonly connections: number | 'auto';
  /** A power of two of at least 64 KiB. */
  readonly pieceSize: number | 'auto';
  /** Requests in flight on a connection. */
  readonly inFlight: number | 'auto';
  /** Handshakes under way at once. */
  readonly maxStartups: number;
  /** Pause between attempts to connect. */
  readonly connectIntervalMs: number;
  readonly verify: 'size' | 'none';
  /** Write the target itself. */
  readonly inplace: boolean;
  /** Give the target the mode bits and times of the source. */
  readonly preserve: boolean;
  /** Over all connections. */
  readonly limitBytesPerSecond?: number;
  /** When a run without any connection is given up. */
  readonly retryForMs: number;
  /** Tell what would be copied; write nothing. */
  readonly dryRun: boolean;
}

export interface TransferContext {
  /** Stops the transfer; it then rejects nothing and results in `cancelled`. The reason may be a `CopyError`. */
  readonly signal?: AbortSignal;
  readonly onEvent?: Observer;
  /** Without it nobody is asked: unknown host keys and encrypted keys are refused. */
  readonly interaction?: Interaction;
}

export interface TransferResult {
  readonly exitCode: number;
  readonly filesDone: number;
  readonly filesFailed: number;
  readonly bytesSent: number;
  readonly elapsedMs: number;
  /** What ended the run, or the one file job. */
  readonly error?: CopyErrorData;
}

/**
 * Copies local files to a server. Resolves with a result whatever happens to the copy; failures are in it.
 */
export async function put(_options: PutOptions, _context: TransferContext = {}): Promise<TransferResult> {
  throw new Error('under construction');
}
