/**
 * One transfer in either direction: opens the connections, plans the files, runs their jobs, and reports progress to
 * the observers. What differs between the directions is behind the interface `Direction`.
 *
 * The run is over when all files have ended, or when something ends it: a stop from outside, a failure of scope `run`,
 * or the loss of every connection. Then no other job begins, and the jobs in progress fail with the cause. After a
 * stop, the connections stay open for up to {@link KEEP_MS}, so that the jobs can make durable what they have sent.
 */
import { CopyError } from '../../errors.ts';
import type { Observer, TransferEventBody } from '../events.ts';
import type { TargetLock } from '../lock/target-lock.ts';
import type { Counters } from '../runner/counters.ts';
import type { RunnerReport } from '../runner/piece-runner.ts';
import type { Runners } from '../runner/runners.ts';
import { DigestProviders } from '../verify/digest-providers.ts';
import type {
  Direction,
  FileResult,
  JobServices,
  PlannedFile,
  Preparation,
  Report,
  RunningJob,
  UnplannedFile,
} from './direction.ts';
import { forEachConcurrently } from './job-queue.ts';
import { lockDestination } from './lock-destination.ts';
import { OnceNotices } from './once-notices.ts';
import { Progress } from './progress.ts';
import { RunConnections, type RunConnectionsListener } from './run-connections.ts';
import { RunTotals } from './run-totals.ts';
import type { TransferOptions, TransferOutcome } from './transfer-options.ts';
import { usesDigests } from './verify.ts';

const TICK_MS = 250;
/**
 * How long a run that is stopped has to make durable what it has sent. The hashing for its journal has a limit of its
 * own.
 */
const KEEP_MS = 3000;

export class TransferRun<File extends PlannedFile> {
  readonly services: JobServices;
  readonly #options: TransferOptions;
  readonly #direction: Direction<File>;
  readonly #connections: RunConnections;
  readonly #progress: Progress = new Progress(performance.now());
  readonly #totals: RunTotals = new RunTotals();
  readonly #notices: OnceNotices;
  /** File jobs in progress, by number. */
  readonly #jobs: Map<number, RunningJob> = new Map();
  /** Aborted when the run is over, with the CopyError that ended it. */
  readonly #ending: AbortController = new AbortController();
  /** Closes the connections after {@link KEEP_MS}, even if jobs are not ready. */
  #keeping: NodeJS.Timeout | undefined;

  constructor(
    runner: Runners,
    counters: Counters,
    direction: Direction<File>,
    options: TransferOptions,
    observer: Observer,
  ) {
    const { signal } = this.#ending;
    const emit = (event: TransferEventBody): void => observer({ v: 1, atMs: Date.now(), ...event });
    const notice: Report['notice'] = (code, message, level = 'info') => emit({ type: 'notice', level, code, message });
    this.#options = options;
    this.#direction = direction;
    const listener: RunConnectionsListener = {
      onOpened: () => this.#opened(),
      onLost: (connection, mayHaveRestarted) => this.#lost(connection, mayHaveRestarted),
      onFailed: (error) => this.#fail(error),
      isHashing: (connection) => digests.isWorkingOn(connection),
      mayRelocate: (connection) => this.#mayRelocate(connection),
    };
    this.#connections = new RunConnections({ runner, counters, pool: options, emit, signal, listener });
    const { access, pool, scheduler, router, continuity } = this.#connections;
    const digestOptions = { ...options.digests, isDemanded: options.verify === 'hash' };
    const digests = new DigestProviders(access, digestOptions, (message) => notice('digests', message));
    this.services = {
      options,
      access,
      pool,
      runner,
      scheduler,
      dispatcher: router,
      counters,
      continuity,
      digests,
      journals: options.journals,
      report: { emit, notice },
      signal,
    };
    this.#notices = new OnceNotices(this.services, direction.name);
    runner.onReport((report) => this.#report(report));
  }

  /** Resolves when everything has ended and is closed. Failures are in the outcome; it does not reject. */
  async run(signal: AbortSignal): Promise<TransferOutcome> {
    const abort = (): void => this.#fail(CopyError.from(signal.reason, 'cancelled'));
    signal.addEventListener('abort', abort, { once: true });
    const ticker = setInterval(() => this.#tick(), TICK_MS);
    try {
      if (signal.aborted) abort();
      else await this.#copyAll();
    } catch (error) {
      this.#fail(CopyError.from(error));
    } finally {
      clearInterval(ticker);
      clearTimeout(this.#keeping);
      signal.removeEventListener('abort', abort);
      this.services.digests.end();
      this.#connections.pool.end();
      await this.services.runner.end();
    }
    return this.#outcome();
  }

  #outcome(): TransferOutcome {
    return {
      ...this.#totals.all(this.services.counters.totalAcknowledged()),
      error: this.#error ?? this.#totals.firstFailure,
      hasEndedRun: this.#error !== undefined,
    };
  }

  /** What ended the run; undefined: nothing did. */
  get #error(): CopyError | undefined {
    const { signal } = this.#ending;
    return signal.aborted ? signal.reason : undefined;
  }

  #fail(error: CopyError): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(error);
    for (const job of this.#jobs.values()) job.onRunOver(error);
    this.services.digests.end();
    // A run that is stopped can be continued later. Its connections stay open for a short time, so that what they sent
    // is kept.
    const { pool } = this.#connections;
    if (error.code !== 'cancelled') pool.end();
    else this.#keeping = setTimeout(() => pool.end(), KEEP_MS);
  }

  async #copyAll(): Promise<void> {
    const { access, report, signal } = this.services;
    this.#connections.pool.start();
    const prepared = await this.#direction.prepare(access);
    this.#wantConnections(prepared);
    this.#tellPlan(prepared);
    for (const failed of prepared.failures) this.#fileFailed(failed, failed.error);
    const files = this.#direction.files(access);
    // There are more jobs than connections, so that no connection has to wait for the commit of a file.
    const limit = this.#options.dryRun ? 1 : 2 * this.#connections.pool.wanted;
    let locking: Promise<TargetLock | undefined> | undefined;
    let number = 0;
    try {
      await forEachConcurrently(files, { limit, signal }, async (file) => {
        this.#progress.onPlanned(file);
        if ('error' in file) return this.#plannedInVain(file);
        if (this.#options.dryRun) return report.emit({ type: 'file', state: 'would-copy', ...shown(file) });
        const job = ++number;
        locking ??= lockDestination(this.services, prepared.lockRoot);
        await locking;
        await this.#runJob(job, file);
      });
    } finally {
      const lock = await locking?.catch(() => undefined);
      await lock?.release();
    }
  }

  #wantConnections({ sizes }: Preparation): void {
    const { wantedFor, dryRun } = this.#options;
    if (sizes === undefined || wantedFor === undefined || dryRun) return;
    const wanted = wantedFor(sizes);
    this.#connections.pool.want(wanted);
    this.#totals.connectionsWanted(wanted);
  }

  #tellPlan({ destination, known }: Preparation): void {
    this.#progress.know(known);
    this.services.report.emit({
      type: 'plan',
      direction: this.#direction.name,
      files: known.files,
      bytes: known.bytes,
      ...(known.streams > 0 && { isTotalKnown: false }),
      connections: this.#connections.pool.wanted,
      destination,
      dryRun: this.#options.dryRun,
    });
  }

  async #runJob(number: number, file: File): Promise<void> {
    let job: RunningJob;
    try {
      job = await this.#direction.open(number, file, this.services);
    } catch (error) {
      const failure = this.#error ?? CopyError.from(error);
      if (failure.scope === 'run') throw failure;
      return this.#fileFailed(file, failure);
    }
    const { emit } = this.services.report;
    this.#jobs.set(number, job);
    this.#connections.router.add(number, job);
    emit({ type: 'file', state: 'started', ...shown(file) });
    this.#notices.pieceSize(file.size);
    try {
      const result = await job.run();
      this.#jobEnded(number);
      this.#fileDone(file, result, job.bytesResumed);
      emit({ type: 'file', state: 'done', ...file.paths, size: result.bytes });
    } catch (error) {
      this.#jobEnded(number);
      const examined = await job.examine(CopyError.from(error));
      this.#totals.kept(examined);
      if (examined.failure.scope === 'run') this.#fail(examined.failure);
      this.#fileFailed(file, examined.failure);
      if (examined.overwritten !== undefined) this.#notices.overwritten(examined.overwritten);
    } finally {
      if (file.isStream) this.#progress.onStreamEnded();
    }
  }

  #jobEnded(number: number): void {
    this.#jobs.delete(number);
    this.#connections.router.remove(number);
  }

  #fileDone(file: File, result: FileResult, bytesResumed: number): void {
    this.#totals.onFileDone(result, bytesResumed);
    this.#progress.onFileDone(file.size, result.bytes);
    if (this.#totals.verified.bySize > 0) this.#notices.verifiedBySize();
  }

  #plannedInVain(file: UnplannedFile): void {
    if (file.isStream) this.#progress.onStreamEnded();
    this.#fileFailed(file, file.error);
  }

  #fileFailed({ paths, size }: Pick<PlannedFile, 'paths' | 'size'>, error: CopyError): void {
    this.#totals.onFileFailed(error);
    if (size > 0) this.#progress.onFileFailed(size);
    this.services.report.emit({ type: 'file', state: 'failed', ...paths, size, error: error.toData() });
  }

  #report(report: RunnerReport): void {
    if (this.#connections.report(report)) return;
    if (report.kind !== 'probed' && report.kind !== 'left' && report.kind !== 'file-closed') return;
    this.#jobs.get(report.job)?.onAnswer(report);
  }

  #mayRelocate(connection: number): boolean {
    return this.#jobs.size > 0 && [...this.#jobs.values()].every((job) => job.mayRelocate(connection));
  }

  #opened(): void {
    const { pool, router } = this.#connections;
    this.#totals.connectionsOpen(pool.open.length);
    const { dryRun, verify } = this.#options;
    if (!dryRun && usesDigests(verify)) this.services.digests.start();
    router.dispatch();
    for (const job of this.#jobs.values()) job.onConnectionOpened();
  }

  #lost(connection: number, mayHaveRestarted: boolean): void {
    for (const job of this.#jobs.values()) {
      job.onConnectionLost(connection);
      if (mayHaveRestarted) job.onServerMayHaveRestarted();
    }
  }

  #tick(): void {
    const nowMs = performance.now();
    const jobs = [...this.#jobs.values()];
    const isSyncing = jobs.some((job) => job.isSyncing(nowMs));
    this.#connections.tick(nowMs, isSyncing);
    for (const job of jobs) job.onTick(nowMs);
    this.#tellProgress(jobs, nowMs);
  }

  #tellProgress(jobs: readonly RunningJob[], nowMs: number): void {
    const underWay = jobs.reduce((sum, job) => sum + job.bytesAcknowledged, 0);
    const resumed = jobs.reduce((sum, job) => sum + job.bytesResumed, this.#totals.bytesResumed);
    const isTotalKnown = this.#progress.isTotalKnown && !jobs.some(({ isStream }) => isStream);
    const sample = this.#progress.sample(underWay, resumed, nowMs, isTotalKnown);
    if (!this.#progress.isBegun) return;
    const { open, wanted } = this.#connections.pool;
    this.services.report.emit({ type: 'progress', ...sample, connections: open.length, connectionsWanted: wanted });
  }
}

/** The properties of a planned file that events have. */
function shown({ paths, size, isStream, replaces }: PlannedFile) {
  return { ...paths, size, ...(isStream && { isSizeKnown: false }), replaces };
}
