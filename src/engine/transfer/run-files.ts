/**
 * Copies the files of a run: takes them from the plan as there is room for them, small ones as a whole and the others by
 * jobs of their own, and records what becomes of them.
 *
 * What can go wrong: a file fails, and the others go on; something ends the run, and then no other file begins, and the
 * files in progress fail with the cause.
 */
import { CopyError } from '../../errors.ts';
import type { TargetLock } from '../lock/target-lock.ts';
import type { TaskRouter } from '../schedule/task-router.ts';
import type { ConnectionNeed } from './connection-need.ts';
import type {
  Direction,
  FileResult,
  JobServices,
  PlannedFile,
  PlanSink,
  Preparation,
  RunningJob,
} from './direction.ts';
import { FileWindow } from './file-window.ts';
import { forEachConcurrently } from './job-queue.ts';
import { lockDestination } from './lock-destination.ts';
import type { OnceNotices } from './once-notices.ts';
import type { RunRecord } from './run-record.ts';
import { MAX_SMALL_FILE, SmallFileLane } from './small-file-lane.ts';
import type { TransferOptions } from './transfer-options.ts';

/** Files that are compared at the same time where nothing is copied. */
const MAX_COMPARISONS = 32;
/** So many named files are copied as small ones, if they are small. The jobs of a few take no longer. */
const MIN_LANE_FILES = 10;
/** After so many small files in a row that their jobs could not copy either, files that fail get no job any more. */
const MAX_VAIN_JOBS = 20;

export interface RunFilesOptions<File extends PlannedFile> {
  readonly services: JobServices;
  readonly direction: Direction<File>;
  readonly options: Pick<TransferOptions, 'dryRun' | 'comparesAll'>;
  readonly record: RunRecord;
  readonly notices: OnceNotices;
  readonly need: ConnectionNeed;
  readonly router: Pick<TaskRouter, 'add' | 'remove'>;
  /** Ends the run. */
  readonly fail: (error: CopyError) => void;
}

export class RunFiles<File extends PlannedFile> {
  readonly #run: RunFilesOptions<File>;
  readonly #window: FileWindow<File>;
  readonly #lane: SmallFileLane<File>;
  /** Jobs in progress, by number. */
  readonly #jobs: Map<number, RunningJob> = new Map();
  /** Whether small files are copied as a whole. */
  #usesLane = false;
  #vainJobs = 0;

  constructor(run: RunFilesOptions<File>) {
    const { services, options } = run;
    const { pool, runner, signal } = services;
    this.#run = run;
    this.#window = new FileWindow((file) => options.dryRun || this.#isSmall(file));
    this.#lane = new SmallFileLane({
      connections: () => pool.open.filter((id) => runner.local.connection(id) !== undefined),
      copy: (file, connection) => this.#copySmall(file, connection),
      signal,
    });
  }

  /** Jobs in progress. */
  get jobs(): readonly RunningJob[] {
    return [...this.#jobs.values()];
  }

  job(number: number): RunningJob | undefined {
    return this.#jobs.get(number);
  }

  /** Whether no file needs this connection, so that it may be closed and opened anew. */
  mayRelocate(connection: number): boolean {
    if (this.#lane.isBusy || this.#jobs.size === 0) return false;
    return this.jobs.every((job) => job.mayRelocate(connection));
  }

  /** The run is over: no other file begins. */
  end(error: CopyError): void {
    for (const job of this.#jobs.values()) job.onRunOver(error);
    for (const kind of ['small', 'large'] as const) this.#window.end(kind);
  }

  /** Resolves when all files have ended. Failures are recorded, or have ended the run. */
  async copyAll(prepared: Preparation): Promise<void> {
    const { direction, options, record } = this.#run;
    const { isGrowing = false, known } = prepared;
    this.#usesLane = direction.copySmall !== undefined && (isGrowing || known.files >= MIN_LANE_FILES);
    const lock = this.#lockOnce(prepared);
    try {
      // Directories are created while trees are walked.
      if (isGrowing && !options.dryRun) await lock.take();
      const copying = options.dryRun ? [this.#copyNothing()] : [this.#runLane(lock.take), this.#runJobs(lock.take)];
      await Promise.all([this.#plan(prepared), ...copying].map((part) => this.#endingWith(part)));
      await direction.settled?.(() => !this.#isOver && record.totals.filesFailed === 0);
    } finally {
      await lock.release();
    }
  }

  /** Ends the run with the failure of `part`. The others end then, and are waited for. */
  async #endingWith(part: Promise<void>): Promise<void> {
    await part.catch((error: unknown) => this.#run.fail(CopyError.from(error)));
  }

  /** The lock is taken before the first file is copied, and not if none is. */
  #lockOnce({ lockRoot }: Preparation): { take(): Promise<void>; release(): Promise<void> } {
    let locking: Promise<TargetLock | undefined> | undefined;
    return {
      take: async () => {
        locking ??= lockDestination(this.#run.services, lockRoot);
        await locking;
      },
      release: async () => {
        const lock = await locking?.catch(() => undefined);
        await lock?.release();
      },
    };
  }

  async #plan(prepared: Preparation): Promise<void> {
    const { record, need, direction, services, options } = this.#run;
    const sink: PlanSink<File> = {
      add: async (file) => {
        // Otherwise the walk would go on through directories that are listed already.
        services.signal.throwIfAborted();
        record.planned(file);
        need.add(file.size);
        if (need.adjust()) record.totals.connectionsWanted(services.pool.wanted);
        await this.#window.add(file);
      },
      fail: (file) => record.plannedInVain(file),
      skip: (file) => record.skipped(file, false),
      made: (paths) => record.made(paths),
      wouldRemove: (target, size) => record.wouldRemove(target, size),
    };
    try {
      await direction.plan(services, sink);
      record.progress.onAllPlanned();
      if (prepared.isGrowing) this.tellPlan(prepared, false);
    } finally {
      this.#window.end('small');
      if (options.dryRun) this.#window.end('large');
    }
  }

  /** `isGrowing`: whether trees are still walked. */
  tellPlan({ destination, known }: Preparation, isGrowing: boolean): void {
    const { services, direction, options, record } = this.#run;
    const { progress } = record;
    services.report.emit({
      type: 'plan',
      direction: direction.name,
      files: progress.filesTotal,
      bytes: progress.bytesTotal,
      ...((known.streams > 0 || isGrowing) && { isTotalKnown: false }),
      ...(isGrowing && { isGrowing }),
      connections: services.pool.wanted,
      destination,
      dryRun: options.dryRun,
    });
  }

  async #copyNothing(): Promise<void> {
    const { services, options, record } = this.#run;
    const { signal } = services;
    const limit = options.comparesAll ? MAX_COMPARISONS : 1;
    await forEachConcurrently(this.#window.files('small'), { limit, signal }, async (file) => {
      if (await this.#isUpToDate(file)) return record.skipped(file, true);
      record.wouldCopy(file);
    });
  }

  /** Small files. Those that cannot be copied as a whole become large ones. */
  async #runLane(locked: () => Promise<void>): Promise<void> {
    try {
      await this.#lane.run(beginning(this.#window.files('small'), locked));
    } finally {
      this.#window.end('large');
    }
  }

  async #runJobs(locked: () => Promise<void>): Promise<void> {
    const { services, need } = this.#run;
    const { signal } = services;
    // There are more jobs than connections, so that no connection has to wait for the commit of a file.
    const limit = 2 * need.most;
    let number = 0;
    await forEachConcurrently(this.#window.files('large'), { limit, signal }, async (file) => {
      const job = ++number;
      await locked();
      if (await this.#isUpToDate(file)) return this.#upToDate(file);
      await this.#runJob(job, file);
    });
  }

  #isSmall({ isStream, size }: File): boolean {
    return this.#usesLane && !isStream && size <= MAX_SMALL_FILE;
  }

  async #copySmall(file: File, connection: number | undefined): Promise<void> {
    const { services, direction, record } = this.#run;
    try {
      if (await this.#isUpToDate(file)) return this.#upToDate(file);
      await file.directory?.ready();
      record.started(file);
      const result = await direction.copySmall!(file, connection, services);
      this.#vainJobs = 0;
      this.#done(file, result, 0);
    } catch (error) {
      const failure = ownFailure(file, CopyError.from(error));
      if (this.#isOver || failure.scope === 'run') return this.#failedFinally(file, failure);
      // A file job knows more ways, and can explain why none of them works.
      const mayHelp = failure.scope === 'file' && failure.code !== 'target-busy' && this.#vainJobs < MAX_VAIN_JOBS;
      if (mayHelp) this.#window.addLarge(file);
      else this.#failed(file, failure);
    }
  }

  /** False: it is to be copied. */
  async #isUpToDate(file: File): Promise<boolean> {
    const { services, direction, notices } = this.#run;
    if (file.isCompared !== true || direction.isUpToDate === undefined) return false;
    try {
      const isSame = await direction.isUpToDate(file, services);
      if (isSame === undefined) notices.notCompared();
      return isSame === true;
    } catch (error) {
      const failure = CopyError.from(error);
      if (failure.scope === 'run') throw failure;
      // The copy meets the same failure, or succeeds.
      return false;
    }
  }

  #upToDate(file: File): void {
    this.#run.record.skipped(file, true);
    file.directory?.end(false);
  }

  async #runJob(number: number, file: File): Promise<void> {
    const { services, direction, record, router, notices } = this.#run;
    let job: RunningJob;
    try {
      await file.directory?.ready();
      job = await direction.open(number, file, services);
    } catch (error) {
      if (file.isStream) record.progress.onStreamEnded();
      return this.#failedFinally(file, CopyError.from(error));
    }
    this.#jobs.set(number, job);
    router.add(number, job);
    record.started(file);
    notices.pieceSize(file.size);
    try {
      const result = await job.run();
      this.#jobEnded(number);
      this.#vainJobs = 0;
      this.#done(file, result, job.bytesResumed);
    } catch (error) {
      this.#jobEnded(number);
      const examined = await job.examine(ownFailure(file, CopyError.from(error)));
      const failure = ownFailure(file, examined.failure);
      record.kept({ ...examined, failure });
      if (failure.scope === 'run') this.#run.fail(failure);
      if (this.#isSmall(file)) this.#vainJobs++;
      this.#failed(file, failure);
    } finally {
      if (file.isStream) record.progress.onStreamEnded();
    }
  }

  #jobEnded(number: number): void {
    this.#jobs.delete(number);
    this.#run.router.remove(number);
  }

  #done(file: File, result: FileResult, bytesResumed: number): void {
    this.#run.record.done(file, result, bytesResumed);
    file.directory?.end(true);
  }

  #failed(file: File, error: CopyError): void {
    this.#run.record.failed(file, error);
    // What was staged for it has changed the time of the directory.
    file.directory?.end(true);
  }

  /** What ends the run fails this file as well; the failure of a file alone is its own. */
  #failedFinally(file: File, error: CopyError): void {
    const { signal } = this.#run.services;
    const failure = signal.aborted ? (signal.reason as CopyError) : error;
    this.#failed(file, failure);
    if (failure.scope === 'run') this.#run.fail(failure);
  }

  get #isOver(): boolean {
    return this.#run.services.signal.aborted;
  }
}

/** In a tree, somebody who changes one file is no reason not to copy the others. */
function ownFailure({ directory }: PlannedFile, failure: CopyError): CopyError {
  if (directory === undefined || failure.code !== 'target-busy') return failure;
  return new CopyError(failure.code, failure.message, { ...failure.toData(), scope: 'file', cause: failure });
}

/** The same items, from when `begun` has resolved after the first was there. */
async function* beginning<Item>(items: AsyncIterable<Item>, begun: () => Promise<void>): AsyncGenerator<Item> {
  for await (const item of items) {
    await begun();
    yield item;
  }
}
