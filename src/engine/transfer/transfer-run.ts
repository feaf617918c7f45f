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
import type { Counters } from '../runner/counters.ts';
import type { RunnerReport } from '../runner/piece-runner.ts';
import type { Runners } from '../runner/runners.ts';
import { DigestProviders } from '../verify/digest-providers.ts';
import { ConnectionNeed } from './connection-need.ts';
import type { Direction, JobServices, PlannedFile, Report, RunningJob } from './direction.ts';
import { OnceNotices } from './once-notices.ts';
import { RunConnections, type RunConnectionsListener } from './run-connections.ts';
import { RunFiles } from './run-files.ts';
import { RunRecord } from './run-record.ts';
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
  readonly #record: RunRecord;
  readonly #need: ConnectionNeed;
  readonly #files: RunFiles<File>;
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
      mayRelocate: (connection) => this.#files.mayRelocate(connection),
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
    const notices = new OnceNotices(this.services, direction.name);
    const record = new RunRecord(this.services.report, notices);
    const need = new ConnectionNeed(options, pool);
    const fail = (error: CopyError): void => this.#fail(error);
    this.#record = record;
    this.#need = need;
    this.#files = new RunFiles({ services: this.services, direction, options, record, notices, need, router, fail });
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
      ...this.#record.totals.all(this.services.counters.totalAcknowledged()),
      error: this.#error ?? this.#record.totals.firstFailure,
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
    this.#files.end(error);
    this.services.digests.end();
    // A run that is stopped can be continued later. Its connections stay open for a short time, so that what they sent
    // is kept.
    const { pool } = this.#connections;
    if (error.code !== 'cancelled') pool.end();
    else this.#keeping = setTimeout(() => pool.end(), KEEP_MS);
  }

  async #copyAll(): Promise<void> {
    const { pool, access } = this.#connections;
    pool.start();
    const prepared = await this.#direction.prepare(access);
    this.#need.begin(prepared);
    this.#record.totals.connectionsWanted(pool.wanted);
    this.#record.prepared(prepared);
    this.#files.tellPlan(prepared, prepared.isGrowing ?? false);
    await this.#files.copyAll(prepared);
  }

  #report(report: RunnerReport): void {
    if (this.#connections.report(report)) return;
    if (report.kind !== 'probed' && report.kind !== 'left' && report.kind !== 'file-closed') return;
    this.#files.job(report.job)?.onAnswer(report);
  }

  #opened(): void {
    const { pool, router } = this.#connections;
    this.#record.totals.connectionsOpen(pool.open.length);
    const { dryRun, verify } = this.#options;
    if (!dryRun && usesDigests(verify)) this.services.digests.start();
    router.dispatch();
    for (const job of this.#files.jobs) job.onConnectionOpened();
  }

  #lost(connection: number, mayHaveRestarted: boolean): void {
    for (const job of this.#files.jobs) {
      job.onConnectionLost(connection);
      if (mayHaveRestarted) job.onServerMayHaveRestarted();
    }
  }

  #tick(): void {
    const nowMs = performance.now();
    const { jobs } = this.#files;
    const isSyncing = jobs.some((job) => job.isSyncing(nowMs));
    this.#connections.tick(nowMs, isSyncing);
    for (const job of jobs) job.onTick(nowMs);
    this.#tellProgress(jobs, nowMs);
  }

  #tellProgress(jobs: readonly RunningJob[], nowMs: number): void {
    const underWay = jobs.reduce((sum, job) => sum + job.bytesAcknowledged, 0);
    const { progress, totals } = this.#record;
    const resumed = jobs.reduce((sum, job) => sum + job.bytesResumed, totals.bytesResumed);
    const isTotalKnown = progress.isTotalKnown && !jobs.some(({ isStream }) => isStream);
    const sample = progress.sample(underWay, resumed, nowMs, isTotalKnown);
    if (!progress.isBegun) return;
    const { open, wanted } = this.#connections.pool;
    this.services.report.emit({ type: 'progress', ...sample, connections: open.length, connectionsWanted: wanted });
  }
}
