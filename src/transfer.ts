/** The one place that wires remote, runners and engine into a transfer. */
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

/** What an upload is told. Sizes in bytes, times in milliseconds; what is left out is as without its option. */
export interface PutOptions {
  /** Local paths, as bytes. At least one. */
  readonly sources: readonly Uint8Array[];
  /** Path on the server, as bytes; empty: the home directory; relative: below it. */
  readonly destination: Uint8Array;
  readonly ssh: SshInput;
  /** A maximum, 1 to 1024. Default `auto`: by what there is to send, at most 10. */
  readonly connections?: number | 'auto';
  /** A power of two of at least 64 KiB. Default `auto`. */
  readonly pieceSize?: number | 'auto';
  /** Requests in flight on a connection, at least 1. Default `auto`. */
  readonly inFlight?: number | 'auto';
  /** Handshakes under way at once. Default: 8. */
  readonly maxStartups?: number;
  /** Pause between attempts to connect. Default: 0. */
  readonly connectIntervalMs?: number;
  /** What the end result is verified by. Default: `auto`. */
  readonly verify?: Verify;
  /** The hash for it. Default: `auto`, the best that both sides have. */
  readonly algorithm?: DigestAlgorithm | 'auto';
  /** How the server may be made to hash, for verification and for resuming. Default: `auto`, in any way. */
  readonly digestProvider?: SftpDigestMethod | 'auto' | 'none';
  /** Write the target itself. Default: false. */
  readonly inplace?: boolean;
  /** Give the target the mode bits and times of the source. Default: true. */
  readonly preserve?: boolean;
  /** Over all connections. Default: no limit. */
  readonly limitBytesPerSecond?: number;
  /** When a run without any connection is given up. Default: 15 minutes. */
  readonly retryForMs?: number;
  /** Go on with what an earlier run of the same copy left; false: start over. Default: true. */
  readonly resume?: boolean;
  /** Tell what would be copied; write nothing. Default: false. */
  readonly dryRun?: boolean;
}

export interface TransferContext {
  /** Stops the transfer; it then rejects nothing and results in `cancelled`. The reason may be a `CopyError`. */
  readonly signal?: AbortSignal;
  /**
   * Called for each event, while the copy waits. If it throws, or returns a promise that rejects, it is not called
   * again: the copy continues, a warning of the process tells of it, and `observerError` is in the result.
   */
  readonly onEvent?: Observer;
  /** Without it nobody is asked: unknown host keys and encrypted keys are refused. */
  readonly interaction?: Interaction;
  /** Environment variables, for agent and secrets. Default: those of the process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface TransferResult extends TransferSummary {
  /** What `onEvent` threw, if it did: events are missing then, and nothing else. */
  readonly observerError?: unknown;
}

/** Without `-n`: more than this is asked for by name only. */
const AUTO_CONNECTIONS = 10;
const BYTES_A_CONNECTION = 4 * 1024 * 1024;
const SMALL_FILES_A_CONNECTION = 50;

/**
 * Copies local files to a server. Resolves with a result whatever happens to the copy; failures are in it, and in the
 * last event.
 */
export function put(options: PutOptions, context: TransferContext = {}): Promise<TransferResult> {
  return putWith(options, context);
}

/** What tests may wire differently. */
export type Wiring = Pick<Partial<RunnerPoolOptions>, 'isGrowing'> & {
  /** Is given every thread that is started. */
  readonly onWorker?: (worker: Worker) => void;
};

/** {@link put}, wired as told. */
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

/** The figures of a run in which nothing happened. */
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
    // Nothing is left to connect for. The failure of an only file is in the result.
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

/** Never more than there are ranges to send. */
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
