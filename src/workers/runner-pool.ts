/**
 * All runners of a run, behind the interface of one: the runner of this thread, and workers that are started when they
 * are needed (see {@link ThreadNeed}). A new connection goes to the runner with the fewest connections, except that
 * some always belong to this thread (see {@link LOCAL_CONNECTIONS}). A new worker gets its share of the connections by
 * asking the engine to relocate some.
 *
 * What can go wrong: a thread cannot be started, or ends. The copy then continues with the other threads; the
 * connections of the ended thread are reported as lost, and no other thread is started in this run.
 */
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import type { Counters } from '../engine/runner/counters.ts';
import type { LocalRunner } from '../engine/runner/local-runner.ts';
import type { PieceRunner, RunnerCommand, RunnerReport } from '../engine/runner/piece-runner.ts';
import { LOCAL_CONNECTIONS, type Runners } from '../engine/runner/runners.ts';
import { CopyError } from '../errors.ts';
import { LoadSampler } from './load-sampler.ts';
import { type LoadSample, ThreadNeed } from './thread-need.ts';
import { WorkerRunner } from './worker-runner.ts';

export interface RunnerPoolOptions {
  readonly local: LocalRunner;
  readonly counters: Counters;
  /** Starts a thread that dials the same server. */
  readonly startWorker: () => Worker;
  /** Called with a sentence for the user when a thread could not be started, or ended. */
  readonly onWarning?: (message: string) => void;
  /** Whether another thread is to be started after this sample. Default: {@link ThreadNeed}. */
  readonly isGrowing?: (sample: LoadSample) => boolean;
}

export class RunnerPool implements Runners {
  readonly local: LocalRunner;
  readonly #counters: Counters;
  readonly #startWorker: () => Worker;
  readonly #onWarning: (message: string) => void;
  readonly #workers: Set<WorkerRunner> = new Set();
  /** The runner of each connection, from the command to open it until its end was reported. */
  readonly #runnerOf: Map<number, PieceRunner> = new Map();
  /** The runner of each task, from its beginning to its last report. */
  readonly #tasks: Map<number, PieceRunner> = new Map();
  /** Stopped when a thread ended unexpectedly, or could not be started: no other one is started in this run. */
  readonly #sampler: LoadSampler;
  #listener: (report: RunnerReport) => void = () => {};

  constructor(options: RunnerPoolOptions) {
    this.local = options.local;
    this.#counters = options.counters;
    this.#startWorker = options.startWorker;
    this.#onWarning = options.onWarning ?? (() => {});
    this.local.onReport(this.#report);
    const need = new ThreadNeed(availableParallelism());
    this.#sampler = new LoadSampler({
      others: this.#workers,
      // The connections that stay on this thread would not use another one.
      useful: () => 1 + Math.max(0, this.#runnerOf.size - LOCAL_CONNECTIONS),
      isGrowing: options.isGrowing ?? ((sample) => need.isGrowing(sample)),
      onNeeded: () => this.#grow(),
    });
  }

  /** How many threads there are beside this one. */
  get workers(): number {
    return this.#workers.size;
  }

  onReport(listener: (report: RunnerReport) => void): void {
    this.#listener = listener;
  }

  post(command: RunnerCommand): void {
    const runner = this.#route(command);
    if (command.kind === 'open') this.#runnerOf.set(command.connection, runner);
    else if ('task' in command && command.kind !== 'shorten') this.#tasks.set(command.task, runner);
    runner.post(command);
  }

  async end(): Promise<void> {
    this.#sampler.stop();
    await Promise.all([this.local, ...this.#workers].map((runner) => runner.end()));
  }

  #route(command: RunnerCommand): PieceRunner {
    if (command.kind === 'shorten') return this.#tasks.get(command.task) ?? this.local;
    if (command.kind === 'open') return this.#leastLoaded(command.connection);
    return this.#runnerOf.get(command.connection) ?? this.local;
  }

  /** The runner with the fewest connections; this thread comes first, then the oldest worker. */
  #leastLoaded(connection: number): PieceRunner {
    let least: PieceRunner = this.local;
    if (connection <= LOCAL_CONNECTIONS) return least;
    const counts = new Map<PieceRunner, number>();
    for (const runner of this.#runnerOf.values()) counts.set(runner, (counts.get(runner) ?? 0) + 1);
    const countOf = (runner: PieceRunner): number => counts.get(runner) ?? 0;
    for (const worker of this.#workers) if (countOf(worker) < countOf(least)) least = worker;
    return least;
  }

  #connectionsOf(runner: PieceRunner): number[] {
    return [...this.#runnerOf].filter(([, other]) => other === runner).map(([connection]) => connection);
  }

  readonly #report = (report: RunnerReport): void => {
    if (report.kind === 'lost' || report.kind === 'open-failed') this.#runnerOf.delete(report.connection);
    else if (report.kind === 'ended' || report.kind === 'probed') this.#tasks.delete(report.task);
    this.#listener(report);
  };

  #grow(): void {
    try {
      const worker = this.#startWorker();
      const runner = new WorkerRunner(worker, this.#counters);
      runner.onReport(this.#report);
      this.#workers.add(runner);
      void runner.gone.then((failure) => {
        this.#workers.delete(runner);
        if (failure !== undefined) this.#failed(failure);
      });
      worker.once('online', () => this.#share());
    } catch (error) {
      this.#failed(CopyError.from(error));
    }
  }

  /** The copy continues with the other threads. */
  #failed({ message }: CopyError): void {
    this.#sampler.stop();
    this.#onWarning(message);
  }

  /** Asks the engine to relocate connections of runners that have more than their share. */
  #share(): void {
    const fair = Math.ceil(this.#runnerOf.size / (this.#workers.size + 1));
    for (const runner of [this.local, ...this.#workers]) {
      const connections = this.#connectionsOf(runner);
      const movable = connections.filter((connection) => connection > LOCAL_CONNECTIONS);
      const surplus = Math.max(0, connections.length - fair);
      for (const connection of movable.slice(0, surplus)) this.#listener({ kind: 'relocate', connection });
    }
  }
}
