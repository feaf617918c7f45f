/** Connects remote, runners and engine to a transfer. No other module does. */
import type { Worker } from 'node:worker_threads';
import { Download } from './engine/download/download.ts';
import type { Observer, TransferSummary, TransferTotals } from './engine/events.ts';
import { GuardedObserver, warnOfObserver } from './engine/guarded-observer.ts';
import { type FoundSources, findSources } from './engine/local/local-files.ts';
import { bootId } from './engine/resume/boot-id.ts';
import type { JournalStore } from './engine/resume/file-journal.ts';
import { pruneJournals, stateDirectory } from './engine/resume/journal-place.ts';
import { machineId } from './engine/resume/machine-id.ts';
import { Counters } from './engine/runner/counters.ts';
import { LocalRunner } from './engine/runner/local-runner.ts';
import { startRateLimiter } from './engine/runner/rate-limiter.ts';
import type { TreeOptions } from './engine/transfer/plan-trees.ts';
import { resultOf } from './engine/transfer/result-of.ts';
import { RunTotals } from './engine/transfer/run-totals.ts';
import type { TransferOptions, TransferOutcome } from './engine/transfer/transfer-options.ts';
import { TransferRun } from './engine/transfer/transfer-run.ts';
import type { Verify } from './engine/transfer/verify.ts';
import { connectionsBeforeSizes, wantedConnections } from './engine/transfer/wanted-connections.ts';
import { parseFilesFrom } from './engine/tree/files-from.ts';
import { type FilterRule, Filters } from './engine/tree/filters.ts';
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

export type { DigestAlgorithm, FilterRule, SftpDigestMethod, Verify };
export { parseFilesFrom };

/** What becomes of symbolic links inside directories: what they name is copied, they are copied, or left out. */
export type Links = 'follow' | 'copy' | 'skip';

/** The options of both directions. Sizes are in bytes, times in milliseconds. */
export interface CopyOptions {
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
  /**
   * Which files of directories are copied: the first rule whose pattern fits decides, as in rsync. A directory that is
   * excluded is not entered. Default: none, so that all files are copied.
   */
  readonly filters?: readonly FilterRule[];
  /**
   * The paths to copy, relative to the source, which is then one directory. `parseFilesFrom` reads a list of them.
   * Default: everything in the source.
   */
  readonly filesFrom?: readonly Uint8Array[];
  /** What becomes of symbolic links inside directories. Default: `follow`. */
  readonly links?: Links;
  /**
   * Whether an existing file counts as up to date by its contents, which are compared, instead of by its size and
   * modification time. Default: false.
   */
  readonly checksum?: boolean;
  /** Copy files whether they are up to date or not; excludes `checksum` and `ignoreExisting`. Default: false. */
  readonly force?: boolean;
  /** Leave files alone that exist at the destination, whatever is in them. Default: false. */
  readonly ignoreExisting?: boolean;
  /** Report what would be copied, and write nothing. Default: false. */
  readonly dryRun?: boolean;
}

/** The options of an upload. Paths are bytes, or text, which is encoded as UTF-8. */
export interface PutOptions extends CopyOptions {
  /** Local paths. At least one. */
  readonly sources: readonly (Uint8Array | string)[];
  /** The path on the server. An empty path is the home directory; a relative one begins there. */
  readonly destination: Uint8Array | string;
}

/** The options of a download. Paths are bytes, or text, which is encoded as UTF-8. */
export interface GetOptions extends CopyOptions {
  /** Paths on the server; relative ones begin at the home directory. At least one. */
  readonly sources: readonly (Uint8Array | string)[];
  /** Local path. */
  readonly destination: Uint8Array | string;
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

/** Copies local files to a server. It does not reject: failures are in the result, and in the last event. */
export function put(options: PutOptions, context: TransferContext = {}): Promise<TransferResult> {
  return putWith(options, context);
}

/** Copies files of a server to this machine. It does not reject: failures are in the result, and in the last event. */
export function get(options: GetOptions, context: TransferContext = {}): Promise<TransferResult> {
  return getWith(options, context);
}

/** What tests may replace. */
export type Wiring = Pick<Partial<RunnerPoolOptions>, 'isGrowing'> & {
  /** Called with every thread that is started. */
  readonly onWorker?: (worker: Worker) => void;
};

/** The same as {@link put}, with parts that tests replace. */
export function putWith(options: PutOptions, context: TransferContext, wiring?: Wiring): Promise<TransferResult> {
  return transfer(options, context, planPut, wiring);
}

/** The same as {@link get}, with parts that tests replace. */
export function getWith(options: GetOptions, context: TransferContext, wiring?: Wiring): Promise<TransferResult> {
  return transfer(options, context, planGet, wiring);
}

type Defaults = Required<Pick<CopyOptions, keyof typeof TRANSFER_DEFAULTS>>;
type Plan<Options> = (options: Options & Defaults, observer: Observer) => Promise<Planned>;

/** A direction and the connections it wants; or the outcome, if no connection is needed. */
type Planned = (Pick<TransferOptions, 'wanted'> & { readonly direction: Upload | Download }) | TransferOutcome;

/** The totals of a run in which nothing was done. */
export const NOTHING_DONE: TransferTotals = new RunTotals().all(0);

async function planPut(options: PutOptions & Defaults, observer: Observer): Promise<Planned> {
  const sources = await findSources(options.sources.map(toBytes));
  const [onlyFailure] = sources.failures;
  const { files, directories } = sources;
  if (files.length + directories.length === 0 && onlyFailure !== undefined) {
    // No connection is needed. The failure of a single source is in the result.
    if (options.sources.length > 1) tellFailures(sources, observer);
    return { ...NOTHING_DONE, filesFailed: sources.failures.length, error: onlyFailure.error, hasEndedRun: false };
  }
  const sizes = files.map(({ size }) => size);
  const trees = treeOptions(options);
  const direction = new Upload(sources, { ...options, destination: toBytes(options.destination), trees });
  return { direction, wanted: options.dryRun ? 1 : wantedConnections(options, sizes) };
}

async function planGet(options: GetOptions & Defaults): Promise<Planned> {
  if (options.verify === 'read-back') {
    throw new CopyError('usage', 'What is downloaded is not read back: it is compared with what the server has.', {
      advice: 'Use --verify hash, or leave it out.',
    });
  }
  const { inplace, preserve } = options;
  const sources = options.sources.map(toBytes);
  const destination = toBytes(options.destination);
  const direction = new Download({ sources, destination, inplace, preserve, trees: treeOptions(options) });
  // Only the server can tell how much there is to copy. What is of no use then is hung up.
  return { direction, wanted: options.dryRun ? 1 : connectionsBeforeSizes(options) };
}

function treeOptions(options: CopyOptions & Defaults): TreeOptions {
  const { filters, filesFrom, links, checksum, force, ignoreExisting, preserve, dryRun } = options;
  if (force && (checksum || ignoreExisting)) {
    const message = 'Files cannot be copied whatever is at their target, and be left out because of what is there.';
    throw new CopyError('usage', message, { advice: 'Leave out force, or checksum and ignoreExisting.' });
  }
  const only = filesFrom?.map((path) => Buffer.from(path));
  if (only !== undefined && (options as Partial<PutOptions>).sources?.length !== 1) {
    throw new CopyError('usage', 'A list of paths is relative to one source.', { advice: 'Name one directory.' });
  }
  return { filters: new Filters(filters), links, only, isDryRun: dryRun, checksum, force, ignoreExisting, preserve };
}

async function transfer<Options extends PutOptions | GetOptions>(
  options: Options,
  context: TransferContext,
  plan: Plan<Options>,
  wiring: Wiring = {},
): Promise<TransferResult> {
  const startedMs = performance.now();
  const asked = context.interaction && new TimedInteraction(context.interaction);
  const guarded = new GuardedObserver(context.onEvent, warnOfObserver);
  const observer = guarded.observe;
  let outcome: TransferOutcome;
  try {
    checkWasmMemory();
    const settled = { ...TRANSFER_DEFAULTS, ...options };
    const settledContext = asked ? { ...context, interaction: asked.interaction } : context;
    outcome = await run(settled, settledContext, () => plan(settled, observer), observer, wiring);
  } catch (error) {
    outcome = { ...NOTHING_DONE, error: CopyError.from(error), hasEndedRun: true };
  }
  const elapsedMs = performance.now() - startedMs - (asked?.waitedMs ?? 0);
  const event = resultOf(outcome, options.sources.length > 1, elapsedMs);
  observer({ v: 1, atMs: Date.now(), ...event });
  const { type: _, ...result } = event;
  return guarded.failure === undefined ? result : { ...result, observerError: guarded.failure.error };
}

async function run(
  options: CopyOptions & Defaults,
  context: TransferContext,
  plan: () => Promise<Planned>,
  observer: Observer,
  { isGrowing, onWorker }: Wiring,
): Promise<TransferOutcome> {
  const notice = (level: 'detail' | 'warning', code: string, message: string): void =>
    observer({ v: 1, atMs: Date.now(), type: 'notice', level, code, message });
  const warn = (code: string, message: string): void => notice('warning', code, message);
  const own = processSshEnvironment();
  const environment = { ...own, variables: context.environment ?? own.variables };
  const onNotice = (level: 'detail' | 'warning', message: string): void => notice(level, 'ssh', message);
  const ssh = { ...options.ssh, asksForEach: typeof options.connections === 'number' };
  const spec = await resolveSftp(ssh, options.inFlight, environment, onNotice);
  const remote = openRemote(spec, { environment, interaction: context.interaction, onNotice });
  const journals: JournalStore = {
    directory: stateDirectory(environment),
    identity: remote.identity,
    machine: await machineId(),
    boot: await bootId(),
    resume: options.resume,
    onFailed: (error) => warn('journal', `${error.message} ${error.advice}`),
  };
  const planned = await plan();
  if (!('direction' in planned)) return planned;
  const { direction, ...wanted } = planned;
  const counters = new Counters();
  const stopLimiter =
    options.limitBytesPerSecond === undefined ? () => {} : startRateLimiter(counters, options.limitBytesPerSecond);
  try {
    const runner = new RunnerPool({
      local: new LocalRunner(remote, counters),
      counters,
      startWorker: () => {
        const worker = startWorker({ spec: remote.spec, counters: counters.buffer });
        onWorker?.(worker);
        return worker;
      },
      onWarning: (message) => warn('thread', message),
      ...(isGrowing && { isGrowing }),
    });
    const digests = { methods: digestMethods(options, remote), algorithm: options.algorithm };
    const settled = { ...options, ...wanted, journals, digests, comparesAll: options.checksum };
    const { signal = new AbortController().signal } = context;
    // The compiler does not see that a direction opens the files that it has planned itself.
    if (direction instanceof Upload)
      return await new TransferRun(runner, counters, direction, settled, observer).run(signal);
    return await new TransferRun(runner, counters, direction, settled, observer).run(signal);
  } finally {
    stopLimiter();
    if (!options.dryRun) await pruneJournals(journals.directory);
  }
}

function toBytes(path: Uint8Array | string): Uint8Array {
  return typeof path === 'string' ? Buffer.from(path, 'utf8') : path;
}

function digestMethods({ digestProvider, verify }: Defaults, remote: Remote): readonly DigestMethod[] {
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
