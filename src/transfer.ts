/** Connects remote, runners and engine to a transfer. No other module does. */
import type { Worker } from 'node:worker_threads';
import type { Observer, TransferSummary, TransferTotals } from './engine/events.ts';
import { GuardedObserver, warnOfObserver } from './engine/guarded-observer.ts';
import { type FoundSources, findSources, type SourceFile } from './engine/local/local-files.ts';
import type { JournalStore } from './engine/resume/file-journal.ts';
import { pruneJournals, stateDirectory } from './engine/resume/journal-place.ts';
import { machineId } from './engine/resume/machine-id.ts';
import { Counters, MAX_CONNECTIONS } from './engine/runner/counters.ts';
import { LocalRunner } from './engine/runner/local-runner.ts';
import { startRateLimiter } from './engine/runner/rate-limiter.ts';
import { choosePieceSize, pieceCount, UNLIMITED_PIECES } from './engine/schedule/grid.ts';
import { resultOf } from './engine/transfer/result-of.ts';
import { RunTotals } from './engine/transfer/run-totals.ts';
import type { TransferOptions, TransferOutcome } from './engine/transfer/transfer-options.ts';
import { TransferRun } from './engine/transfer/transfer-run.ts';
import type { Verify } from './engine/transfer/verify.ts';
import { Upload } from './engine/upload/upload.ts';
import { CopyError } from './errors.ts';
import { openRemote } from './remotes/open-remote.ts';
import type { DigestAlgorithm, DigestMethod, Remote } from './remotes/remote.ts';
import type { SftpDigestMethod } from './remotes/sftp/digests/open-digester.ts';
import { resolveSftp } from './remotes/sftp/open-sftp.ts';
import type { Interaction } from './remotes/sftp/ssh/interaction.ts';
import { processSshEnvironment } from './remotes/sftp/ssh/ssh-environment.ts';
import type { SshInput } from './remotes/sftp/ssh/ssh-options.ts';
import { TimedInteraction } from './remotes/sftp/ssh/timed-interaction.ts';
import { checkWasmMemory } from './remotes/sftp/ssh/wasm-memory.ts';
import { TRANSFER_DEFAULTS } from './transfer-defaults.ts';
import { textFromBytes } from './util/bytes-text.ts';
import { RunnerPool, type RunnerPoolOptions } from './workers/runner-pool.ts';
import { startWorker } from './workers/start-worker.ts';

/** The options of an upload. Sizes are in bytes, times in milliseconds. */
export interface PutOptions {
  /** Local paths, as bytes. At least one. */
  readonly sources: readonly Uint8Array[];
  /** The path on the server, as bytes. An empty path is the home directory; a relative one begins there. */
  readonly destination: Uint8Array;
  readonly ssh: SshInput;
  /** The most connections, 1 to 1024. Default: `auto`, according to what is to be sent, at most 10. */
  readonly connections?: number | 'auto';
  /** A power of two of at least 64 KiB. Default: `auto`, 4 MiB or more for huge files. */
  readonly pieceSize?: number | 'auto';
  /** The most requests in flight on a connection, at least 1. Default: `auto`, as many as the line needs. */
  readonly inFlight?: number | 'auto';
  /** Handshakes in progress at once. Default: 8. */
  readonly maxStartups?: number;
  /** Pause between attempts to connect. Default: 0. */
  readonly connectIntervalMs?: number;
  /** How the result is verified. Default: `auto`. */
  readonly verify?: Verify;
  /** The hash algorithm of the verification. Default: `auto`, the best that both sides have. */
  readonly algorithm?: DigestAlgorithm | 'auto';
  /** The way in which the server may compute digests, for verification and resuming. Default: `auto`, any way. */
  readonly digestProvider?: SftpDigestMethod | 'auto' | 'none';
  /** Write the target itself. Default: false. */
  readonly inplace?: boolean;
  /** Give the target the mode bits and times of the source. Default: true. */
  readonly preserve?: boolean;
  /** The rate of all connections together. Default: no limit. */
  readonly limitBytesPerSecond?: number;
  /** How long a run may be without progress or without any connection. Default: 15 minutes. */
  readonly retryForMs?: number;
  /** Whether to continue what an earlier run of the same copy left; false: start over. Default: true. */
  readonly resume?: boolean;
  /** Report what would be copied, and write nothing. Default: false. */
  readonly dryRun?: boolean;
}

export interface TransferContext {
  /**
   * Stops the transfer, which then resolves with the error `cancelled`, or with the reason if that is a `CopyError`.
   */
  readonly signal?: AbortSignal;
  /**
   * Called for each event, while the copy waits. If it throws, or returns a promise that rejects, it is not called
   * again: the copy continues, a warning of the process tells of it, and `observerError` is in the result.
   */
  readonly onEvent?: Observer;
  /** Answers questions. Default: nobody is asked, and unknown host keys and encrypted keys are refused. */
  readonly interaction?: Interaction;
  /** Environment variables, for example for the agent and secrets. Default: those of the process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface TransferResult extends TransferSummary {
  /** What `onEvent` threw, if it did. Only events are missing then. */
  readonly observerError?: unknown;
}

/** The most connections of `auto`: the user has to ask for more. */
const AUTO_CONNECTIONS = 10;
const BYTES_A_CONNECTION = 4 * 1024 * 1024;
const SMALL_FILES_A_CONNECTION = 50;

/** Copies local files to a server. It does not reject: failures are in the result, and in the last event. */
export function put(options: PutOptions, context: TransferContext = {}): Promise<TransferResult> {
  return putWith(options, context);
}

/** What tests may replace. */
export type Wiring = Pick<Partial<RunnerPoolOptions>, 'isGrowing'> & {
  /** Called with every thread that is started. */
  readonly onWorker?: (worker: Worker) => void;
};

/** The same as {@link put}, with parts that tests replace. */
export async function putWith(
  options: PutOptions,
  context: TransferContext,
  wiring: Wiring = {},
): Promise<TransferResult> {
  const startedMs = performance.now();
  const asked = context.interaction && new TimedInteraction(context.interaction);
  const guarded = new GuardedObserver(context.onEvent, warnOfObserver);
  const observer = guarded.observe;
  let outcome: TransferOutcome;
  try {
    checkWasmMemory();
    outcome = await upload(
      { ...TRANSFER_DEFAULTS, ...options },
      asked ? { ...context, interaction: asked.interaction } : context,
      observer,
      wiring,
    );
  } catch (error) {
    outcome = { ...NOTHING_DONE, error: CopyError.from(error), ended: true };
  }
  const elapsedMs = performance.now() - startedMs - (asked?.waitedMs ?? 0);
  const event = resultOf(outcome, options.sources.length > 1, elapsedMs);
  observer({ v: 1, atMs: Date.now(), ...event });
  const { type: _, ...result } = event;
  return guarded.failure === undefined ? result : { ...result, observerError: guarded.failure.error };
}

type Settled = PutOptions & Required<Pick<PutOptions, keyof typeof TRANSFER_DEFAULTS>>;

/** The totals of a run in which nothing was done. */
export const NOTHING_DONE: TransferTotals = new RunTotals().all(0);

async function upload(
  options: Settled,
  context: TransferContext,
  observer: Observer,
  { isGrowing, onWorker }: Wiring,
): Promise<TransferOutcome> {
  const notice = (level: 'detail' | 'warning', code: string, message: string): void =>
    observer({ v: 1, atMs: Date.now(), type: 'notice', level, code, message });
  const warn = (code: string, message: string): void => notice('warning', code, message);
  const own = processSshEnvironment();
  const environment = { ...own, variables: context.environment ?? own.variables };
  const remote = openRemote(resolveSftp(options.ssh, options.inFlight, environment), {
    environment,
    interaction: context.interaction,
    onNotice: (level, message) => notice(level, 'ssh', message),
  });
  const journals: JournalStore = {
    directory: stateDirectory(environment),
    identity: remote.identity,
    machine: await machineId(),
    resume: options.resume,
    onFailed: (error) => warn('journal', `${error.message} ${error.advice}`),
  };
  const sources = await findSources(options.sources);
  const [onlyFailure] = sources.failures;
  if (sources.files.length === 0 && onlyFailure !== undefined) {
    // No connection is needed. The failure of a single source is in the result.
    if (options.sources.length > 1) tellFailures(sources, observer);
    return { ...NOTHING_DONE, filesFailed: sources.failures.length, error: onlyFailure.error, ended: false };
  }
  const counters = new Counters();
  const stopLimiter =
    options.limitBytesPerSecond === undefined ? () => {} : startRateLimiter(counters, options.limitBytesPerSecond);
  try {
    const run = new TransferRun(
      new RunnerPool({
        local: new LocalRunner(remote, counters),
        counters,
        startWorker: () => {
          const worker = startWorker({ spec: remote.spec, counters: counters.buffer });
          onWorker?.(worker);
          return worker;
        },
        onWarning: (message) => warn('thread', message),
        ...(isGrowing && { isGrowing }),
      }),
      counters,
      new Upload(sources, options),
      {
        ...options,
        journals,
        digests: { methods: digestMethods(options, remote), algorithm: options.algorithm },
        wanted: options.dryRun ? 1 : wantedConnections(options, sources.files),
      } satisfies TransferOptions,
      observer,
    );
    return await run.run(context.signal ?? new AbortController().signal);
  } finally {
    stopLimiter();
    if (!options.dryRun) await pruneJournals(journals.directory);
  }
}

function digestMethods({ digestProvider, verify }: Settled, remote: Remote): readonly DigestMethod[] {
  if (digestProvider === 'auto') return remote.digestMethods;
  if (digestProvider !== 'none') return [digestProvider];
  if (verify !== 'hash') return [];
  throw new CopyError('usage', 'Without a digest provider nothing can be verified by hash.');
}

function tellFailures({ failures }: FoundSources, observer: Observer): void {
  for (const { path, error } of failures) {
    const file = { type: 'file', state: 'failed', source: textFromBytes(path), target: '', size: 0 } as const;
    observer({ v: 1, atMs: Date.now(), ...file, error: error.toData() });
  }
}

/** Never more connections than there are ranges to send. */
function wantedConnections({ connections, pieceSize }: Settled, files: readonly SourceFile[]): number {
  const piecesOf = ({ size }: SourceFile): number =>
    Math.max(1, pieceCount(size, choosePieceSize(size, UNLIMITED_PIECES, pieceSize)));
  const pieces = files.reduce((sum, file) => sum + piecesOf(file), 0);
  const wanted = connections === 'auto' ? Math.min(AUTO_CONNECTIONS, usefulConnections(files)) : connections;
  return Math.max(1, Math.min(wanted, pieces, MAX_CONNECTIONS));
}

function usefulConnections(files: readonly SourceFile[]): number {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const small = files.filter(({ size }) => size <= BYTES_A_CONNECTION).length;
  return Math.ceil(bytes / BYTES_A_CONNECTION) + Math.ceil(small / SMALL_FILES_A_CONNECTION);
}
