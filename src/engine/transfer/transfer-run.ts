/** One upload: opens the connections, finds the targets, runs the file jobs, and tells observers how it goes. */
import { CopyError } from '../../errors.ts';
import type { RemoteConnection } from '../../remotes/remote.ts';
import { textFromBytes } from '../../util/bytes-text.ts';
import { cleanText } from '../../util/clean-text.ts';
import { ConnectionAccess, type OnConnectionOptions } from '../connections/connection-access.ts';
import { ConnectionCount } from '../connections/connection-count.ts';
import { ConnectionPool } from '../connections/connection-pool.ts';
import { ConnectionRates } from '../connections/connection-rates.ts';
import { ContinuityCheck } from '../connections/continuity-check.ts';
import { Relocation } from '../connections/relocation.ts';
import { ServerContinuity } from '../connections/server-continuity.ts';
import { StallWatch } from '../connections/stall-watch.ts';
import type { Observer, TransferEventBody, VerifiedBytes } from '../events.ts';
import type { FoundSources } from '../local/local-files.ts';
import { lockTarget, type TargetLock } from '../lock/target-lock.ts';
import type { Counters } from '../runner/counters.ts';
import { type RunnerReport, stageKey } from '../runner/piece-runner.ts';
import type { Runners } from '../runner/runners.ts';
import { type Order, Scheduler } from '../schedule/scheduler.ts';
import { TaskRouter } from '../schedule/task-router.ts';
import { UploadDestination } from '../upload/destination.ts';
import { examineDirectoryFailure, examineFailure } from '../upload/failures/examine-failure.ts';
import { FileUpload } from '../upload/file-upload.ts';
import { findJobs, type Job } from '../upload/upload-jobs.ts';
import { Writers } from '../upload/writers.ts';
import { DigestProviders } from '../verify/digest-providers.ts';
import type { Verified } from '../verify/file-verifier.ts';
import { noDigests } from './job-verification.ts';
import { Progress } from './progress.ts';
import type { UploadContext, UploadOptions } from './transfer-context.ts';

const TICK_MS = 250;
/** How long a run that is stopped has to make durable what it has sent. What it then hashes for its journal has its own bound. */
const KEEP_MS = 3000;

export interface UploadOutcome {
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

export class UploadRun implements UploadContext {
  readonly options: UploadOptions;
  readonly runner: Runners;
  readonly scheduler: Scheduler;
  readonly counters: Counters;
  readonly pool: ConnectionPool;
  readonly writers: Writers;
  readonly continuity: ServerContinuity = new ServerContinuity();
  readonly digests: DigestProviders;
  readonly #access: ConnectionAccess;
  readonly #sources: FoundSources;
  readonly #observer: Observer;
  readonly #rates: ConnectionRates;
  readonly #stalls: StallWatch;
  readonly #count: ConnectionCount;
  readonly #progress: Progress;
  readonly #active: Map<number, FileUpload> = new Map();
  readonly #router: TaskRouter;
  readonly #relocation: Relocation;
  readonly #continuityCheck: ContinuityCheck;
  /** Aborted when the run is over, with what ended it. */
  readonly #ending: AbortController = new AbortController();
  #firstFailure: CopyError | undefined;
  #filesFailed = 0;
  #connectionsUsed = 0;
  readonly #verified: { -readonly [By in keyof VerifiedBytes]: number } = {
    byDigest: 0,
    byReadBack: 0,
    bySize: 0,
    notVerified: 0,
  };
  /** Until connections are closed whatever is still to be kept. */
  #patience: NodeJS.Timeout | undefined;
  #bytesResumed = 0;
  #isToldOfSize = false;
  #bytesKept = 0;
  #bytesKeptUnseen = 0;
  /** Whether observers know what is going to be copied. */
  #planned = false;

  constructor(runner: Runners, counters: Counters, sources: FoundSources, options: UploadOptions, observer: Observer) {
    this.runner = runner;
    this.options = options;
    this.#sources = sources;
    this.#observer = observer;
    this.counters = counters;
    this.#rates = new ConnectionRates(counters, performance.now());
    this.#progress = new Progress(sources.files, performance.now());
    this.scheduler = new Scheduler((connection) => this.#rates.bytesPerSecond(connection));
    this.#stalls = new StallWatch({
      tasks: this.scheduler,
      rates: this.#rates,
      counters,
      isBusy: (connection) => this.digests.isWorkingOn(connection),
    });
    this.#router = new TaskRouter({
      scheduler: this.scheduler,
      runner,
      signal: this.#ending.signal,
      onProgress: (connection) => {
        this.pool.progressed();
        if (connection !== undefined) this.continuity.answered(connection);
      },
      onEnded: (connection) => this.#relocation.taskEnded(connection),
    });
    this.writers = new Writers((reason) => this.#writersDecided(reason));
    this.digests = new DigestProviders(this, options.digests, (message) => this.notice('digests', message));
    this.pool = new ConnectionPool(runner, options, {
      opened: (connection) => this.#opened(connection),
      closing: (connection) => this.scheduler.removeConnection(connection),
      lost: (connection) => this.#lost(connection),
      failed: (error) => this.fail(error),
      emit: (event) => this.emit(event),
    });
    this.#relocation = new Relocation({
      pool: this.pool,
      tasks: {
        retire: (connection) => this.#router.retire(connection),
        isWorking: (connection) => this.scheduler.isWorking(connection),
        restore: (connection) => this.scheduler.addConnection(connection),
        dispatch: () => this.#router.dispatch(),
      },
      isFree: (connection) => this.#mayRelocate(connection),
    });
    this.#access = new ConnectionAccess({
      pool: this.pool,
      connection: (connection) => runner.local.connection(connection),
      retryForMs: options.retryForMs,
      signal: this.#ending.signal,
    });
    this.#continuityCheck = new ContinuityCheck(this.continuity, {
      open: () => this.pool.open,
      drop: (connection) => this.pool.drop(connection),
      ask: (connection) => runner.post({ kind: 'ask', connection }),
    });
    this.#count = new ConnectionCount({
      pool: this.pool,
      counters,
      notice: (level, code, message) => this.emit({ type: 'notice', level, code, message }),
    });
    runner.onReport((report) => this.#report(report));
  }

  /** Resolves when everything is over and closed; failures are in the outcome. */
  async run(signal: AbortSignal): Promise<UploadOutcome> {
    const abort = (): void => this.fail(CopyError.from(signal.reason, 'cancelled'));
    signal.addEventListener('abort', abort, { once: true });
    const ticker = setInterval(() => this.#tick(), TICK_MS);
    try {
      if (signal.aborted) abort();
      else await this.#copyAll();
    } catch (error) {
      this.fail(CopyError.from(error));
    } finally {
      clearInterval(ticker);
      clearTimeout(this.#patience);
      signal.removeEventListener('abort', abort);
      this.digests.end();
      this.pool.end();
      await this.runner.end();
    }
    return {
      filesDone: this.#progress.filesDone,
      filesFailed: this.#filesFailed,
      bytesSent: this.counters.totalAcknowledged(),
      bytesResumed: this.#bytesResumed,
      bytesKept: this.#bytesKept,
      ...(this.#bytesKeptUnseen > 0 && { bytesKeptUnseen: this.#bytesKeptUnseen }),
      connectionsUsed: this.#connectionsUsed,
      verified: { ...this.#verified },
      error: this.error ?? this.#firstFailure,
      ended: this.error !== undefined,
    };
  }

  get error(): CopyError | undefined {
    return this.#ending.signal.aborted ? this.#ending.signal.reason : undefined;
  }

  /** Ends the run: nothing more is begun, and what is under way fails with `error`. */
  fail(error: CopyError): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(error);
    for (const job of this.#active.values()) job.fail(error);
    this.digests.end();
    // Who stops a run wants to go on later: connections stay until what they have sent is kept, but not for long.
    if (error.code !== 'cancelled') this.pool.end();
    else this.#patience = globalThis.setTimeout(() => this.pool.end(), KEEP_MS);
  }

  emit(event: TransferEventBody): void {
    this.#observer({ v: 1, atMs: Date.now(), ...event });
  }

  notice(code: string, message: string, level: 'info' | 'warning' = 'info'): void {
    this.emit({ type: 'notice', level, code, message });
  }

  pump(): void {
    this.#router.dispatch();
  }

  give(order: Order): void {
    this.#router.carryOut(order);
  }

  onConnection<T>(
    work: (connection: number, remote: RemoteConnection) => Promise<T>,
    options?: OnConnectionOptions,
  ): Promise<T> {
    return this.#access.onConnection(work, options);
  }

  onAnyOpen<T>(work: (remote: RemoteConnection) => Promise<T>, limitMs: number): Promise<T | undefined> {
    return this.#access.onAnyOpen(work, limitMs);
  }

  progressed(): void {
    this.pool.progressed();
  }

  async assureContinuity(connection: number): Promise<void> {
    await this.#continuityCheck.assure(connection);
    if (this.error !== undefined) throw this.error;
  }

  async #copyAll(): Promise<void> {
    this.pool.start();
    const several = this.#sources.files.length + this.#sources.failures.length > 1;
    const destination = await this.onConnection((_, remote) =>
      UploadDestination.resolve(remote, this.options.destination, several),
    );
    this.emit({
      type: 'plan',
      direction: 'upload',
      files: this.#sources.files.length,
      bytes: this.#progress.bytesTotal,
      ...(!this.#progress.isTotalKnown && { isTotalKnown: false }),
      connections: this.pool.wanted,
      destination: textFromBytes(destination.path),
      dryRun: this.options.dryRun,
    });
    this.#planned = true;
    for (const { path, error } of this.#sources.failures) this.#fileFailed(textFromBytes(path), '', 0, error);
    const jobs = await findJobs(this, this.#sources.files, destination, ({ path, size, isStream }, error) => {
      if (isStream) this.#progress.streamEnded();
      this.#fileFailed(textFromBytes(path), '', size, error);
    });
    if (this.options.dryRun) return this.#tellJobs(jobs);
    if (jobs.length === 0) return;
    const lock = await this.#lock(destination.root);
    try {
      if (this.options.verify === 'hash' && !(await this.digests.isAvailable())) throw this.error ?? noDigests();
      if (await this.#prepare(destination, jobs)) await this.#runJobs(jobs);
    } finally {
      await lock?.release();
    }
  }

  async #lock(root: Uint8Array): Promise<TargetLock | undefined> {
    const { journals } = this.options;
    if (journals === undefined) return undefined;
    const { user, host, port } = journals.identity;
    const lock = await lockTarget({ server: `${user}@${host}:${port}`, path: root }, journals);
    if (lock.warning !== undefined) this.notice('not-locked', lock.warning, 'warning');
    return lock;
  }

  #tellJobs(jobs: readonly Job[]): void {
    for (const { source, target } of jobs) {
      this.emit({
        type: 'file',
        state: 'would-copy',
        source: textFromBytes(source.path),
        target: textFromBytes(target.path),
        size: source.size,
        ...(source.isStream && { isSizeKnown: false }),
        replaces: target.old !== undefined,
      });
    }
  }

  /** Whether there is a place for the jobs. */
  async #prepare(destination: UploadDestination, jobs: readonly Job[]): Promise<boolean> {
    try {
      await this.onConnection((_, remote) => destination.prepare(remote));
      return true;
    } catch (error) {
      const refusal = this.error ?? CopyError.from(error);
      if (refusal.scope === 'run') throw refusal;
      const failure = await examineDirectoryFailure(this, destination.path, refusal);
      for (const { source, target } of jobs) {
        this.#fileFailed(textFromBytes(source.path), textFromBytes(target.path), source.size, failure);
      }
      return false;
    }
  }

  /** More files than connections are under way, so that none waits for the commit of another. */
  async #runJobs(jobs: readonly Job[]): Promise<void> {
    let next = 0;
    const runSome = async (): Promise<void> => {
      while (next < jobs.length && this.error === undefined) {
        const file = ++next;
        await this.#runJob(file, jobs[file - 1]!);
      }
    };
    await Promise.all(Array.from({ length: Math.min(jobs.length, 2 * this.pool.wanted) }, runSome));
  }

  async #runJob(file: number, { source, target }: Job): Promise<void> {
    const job = new FileUpload(this, file, source.path, target);
    const shown = { ...job.paths, size: source.size };
    this.#active.set(file, job);
    this.#router.add(file, job);
    const unknown = source.isStream ? { isSizeKnown: false } : {};
    this.emit({ type: 'file', state: 'started', ...shown, ...unknown, replaces: target.old !== undefined });
    try {
      const { bytes, sizeVerified, verified } = await job.run();
      this.#router.remove(file);
      this.#active.delete(file);
      this.#bytesResumed += job.bytesResumed;
      this.#progress.fileDone(source.size, bytes);
      this.#countVerified(bytes, sizeVerified, verified);
      this.emit({ type: 'file', state: 'done', ...shown, size: bytes });
    } catch (error) {
      this.#router.remove(file);
      this.#active.delete(file);
      const { failure, bytesKept, isSeen } = await examineFailure(this, job.asFailed(), CopyError.from(error));
      this.#bytesKept += bytesKept;
      if (!isSeen) this.#bytesKeptUnseen += bytesKept;
      if (failure.scope === 'run') this.fail(failure);
      this.#fileFailed(shown.source, shown.target, shown.size, failure);
    } finally {
      if (source.isStream) this.#progress.streamEnded();
    }
  }

  #countVerified(bytes: number, sizeVerified: boolean, { byDigest, byReadBack }: Verified): void {
    const rest = bytes - byDigest - byReadBack;
    this.#verified.byDigest += byDigest;
    this.#verified.byReadBack += byReadBack;
    this.#verified[sizeVerified ? 'bySize' : 'notVerified'] += rest;
    const { verify, digests } = this.options;
    if (rest === 0 || !sizeVerified || verify !== 'auto' || digests.methods.length === 0 || this.#isToldOfSize) return;
    this.#isToldOfSize = true;
    this.notice('no-digests', 'The server cannot hash what it has: verified by size.');
  }

  #fileFailed(source: string, target: string, size: number, error: CopyError): void {
    this.#filesFailed++;
    this.#firstFailure ??= error;
    if (size > 0) this.#progress.fileFailed(size);
    this.emit({ type: 'file', state: 'failed', source, target, size, error: error.toData() });
  }

  #report(report: RunnerReport): void {
    if (this.pool.report(report) || this.#router.report(report)) return;
    switch (report.kind) {
      case 'probed':
        for (const job of this.#active.values()) {
          job.probed(report.task, report.result, report.error && CopyError.fromData(report.error));
        }
        return;
      case 'left': {
        const stage = stageKey(report.of);
        for (const job of this.#active.values()) {
          if (job.token === undefined || stageKey(job.token) !== stage) continue;
          job.left(report.connection, report.error && CopyError.fromData(report.error));
        }
        return;
      }
      case 'answered':
        return this.#continuityCheck.answered(report.connection, report.error === undefined);
      case 'relocate':
        return this.#relocation.request(report.connection);
    }
  }

  /** It may not be known yet who may write, or the file be staged: then connections move later. */
  #mayRelocate(connection: number): boolean {
    if (this.writers.known !== 'many' || this.digests.isWorkingOn(connection)) return false;
    return this.#active.size > 0 && [...this.#active.values()].every((job) => job.mayMove(connection));
  }

  #opened(connection: number): void {
    this.#rates.add(connection, performance.now());
    this.scheduler.addConnection(connection);
    this.continuity.opened(connection);
    this.#connectionsUsed = Math.max(this.#connectionsUsed, this.pool.open.length);
    this.#access.connectionOpened();
    if (isByDigest(this.options)) this.digests.start();
    this.pump();
    for (const job of this.#active.values()) job.connectionOpened();
  }

  #lost(connection: number): void {
    this.#relocation.connectionLost(connection);
    this.scheduler.removeConnection(connection);
    this.#rates.remove(connection);
    const mayHaveRestarted = this.continuity.lost(connection);
    for (const job of this.#active.values()) {
      job.connectionLost(connection);
      if (mayHaveRestarted) job.serverMayHaveRestarted();
    }
    this.pump();
  }

  #writersDecided(reason: string | undefined): void {
    if (this.writers.known === 'one' && this.pool.wanted > 1) {
      const why = cleanText(reason ?? 'the server allows no more').replace(/\.$/, '');
      this.notice('single-writer', `One connection writes each file: ${why}.`);
    }
    for (const job of this.#active.values()) job.writersDecided();
    this.pump();
  }

  #tick(): void {
    const now = performance.now();
    this.#rates.sample(now);
    // While the server brings bytes to its disk it may answer nothing at all, on any connection.
    if ([...this.#active.values()].some((job) => job.isSyncing)) this.#rates.excuse(now);
    for (const connection of this.#stalls.silent(now)) this.pool.drop(connection);
    this.#count.tick(now);
    this.#relocation.relocateIfFree();
    this.pump();
    for (const job of this.#active.values()) job.syncIfDue(now);
    const underWay = [...this.#active.values()].reduce((sum, job) => sum + job.bytesAcknowledged, 0);
    const resumed = [...this.#active.values()].reduce((sum, job) => sum + job.bytesResumed, this.#bytesResumed);
    const isTotalKnown = this.#progress.isTotalKnown && ![...this.#active.values()].some(({ isStream }) => isStream);
    const sample = this.#progress.sample(underWay, resumed, now, isTotalKnown);
    if (!this.#planned) return;
    this.emit({
      type: 'progress',
      ...sample,
      connections: this.pool.open.length,
      connectionsWanted: this.pool.wanted,
    });
  }
}

/** Whether somebody will want digests, so that they are looked for at once. */
function isByDigest({ verify, dryRun }: UploadOptions): boolean {
  return !dryRun && (verify === 'auto' || verify === 'hash');
}
