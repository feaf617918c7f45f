/**
 * The piece runner of another thread, as this thread uses it: commands and reports are messages.
 *
 * What can go wrong: the thread ends, or a message cannot be read. Then its tasks fail and its connections are reported
 * as lost, as if the line had been cut; later commands fail too. Each command that {@link PendingCommands} tracks gets
 * exactly one final answer.
 */
import type { Worker } from 'node:worker_threads';
import type { Counters } from '../engine/runner/counters.ts';
import type { PieceRunner, RunnerCommand, RunnerReport } from '../engine/runner/piece-runner.ts';
import { CopyError } from '../errors.ts';
import { PendingCommands } from './pending-commands.ts';

/** How long a thread may take to close its connections and end. */
const END_MS = 5000;

/** The messages to the thread: the commands of the port, and the one that ends it. */
export type WorkerMessage = RunnerCommand | { readonly kind: 'end' };

export class WorkerRunner implements PieceRunner {
  /** Resolves when the thread has ended, with the reason if {@link end} was not called. Never rejects. */
  readonly gone: Promise<CopyError | undefined>;
  readonly #worker: Worker;
  readonly #counters: Counters;
  readonly #pending = new PendingCommands();
  #listener: (report: RunnerReport) => void = () => {};
  #failure: CopyError | undefined;
  #isEnding = false;

  constructor(worker: Worker, counters: Counters) {
    this.#worker = worker;
    this.#counters = counters;
    worker.on('message', (report: RunnerReport) => {
      this.#pending.settle(report);
      this.#listener(report);
    });
    worker.on('error', (error) => {
      this.#failure ??= died(error);
    });
    worker.on('messageerror', (error) => {
      this.#failure ??= died(error);
      void worker.terminate();
    });
    this.gone = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#failure ??= died(undefined);
        this.#giveUp(this.#failure);
        resolve(this.#isEnding ? undefined : this.#failure);
      });
    });
  }

  onReport(listener: (report: RunnerReport) => void): void {
    this.#listener = listener;
  }

  post(command: RunnerCommand): void {
    this.#pending.add(command);
    this.#worker.postMessage(command satisfies WorkerMessage);
    // A thread that has ended does not answer, so its commands fail here.
    if (this.#failure !== undefined) queueMicrotask(() => this.#giveUp(this.#failure!));
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    this.#worker.postMessage({ kind: 'end' } satisfies WorkerMessage);
    const timer = setTimeout(() => void this.#worker.terminate(), END_MS);
    await this.gone;
    clearTimeout(timer);
  }

  /** How much of the time since its start the event loop of the thread was busy. */
  utilization(): ReturnType<typeof performance.eventLoopUtilization> {
    return this.#worker.performance.eventLoopUtilization();
  }

  #giveUp(failure: CopyError): void {
    for (const report of this.#pending.fail(failure.toData())) {
      if (report.kind === 'lost') this.#counters.clearInFlight(report.connection);
      this.#listener(report);
    }
  }
}

function died(cause: unknown): CopyError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new CopyError('connection-lost', `A thread of this program ended${why}.`, { cause });
}
