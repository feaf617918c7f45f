/**
 * Connects the parts that deal with the connections of one run: the pool, the scheduler and the router of their tasks,
 * and the parts that watch whether connections stall, whether the server was restarted, and whether another thread has
 * capacity for a connection.
 */
import type { CopyError } from '../../errors.ts';
import { ConnectionAccess } from '../connections/connection-access.ts';
import { ConnectionMonitor } from '../connections/connection-monitor.ts';
import { ConnectionPool, type ConnectionPoolOptions } from '../connections/connection-pool.ts';
import { ConnectionRates } from '../connections/connection-rates.ts';
import { ContinuityCheck } from '../connections/continuity-check.ts';
import { Relocation } from '../connections/relocation.ts';
import { ServerContinuity } from '../connections/server-continuity.ts';
import type { TransferEventBody } from '../events.ts';
import type { Counters } from '../runner/counters.ts';
import type { RunnerReport } from '../runner/piece-runner.ts';
import type { Runners } from '../runner/runners.ts';
import { Scheduler } from '../schedule/scheduler.ts';
import { TaskRouter } from '../schedule/task-router.ts';

export interface RunConnectionsListener {
  /** A connection was opened. It has no tasks yet. */
  onOpened(): void;
  /**
   * A connection was lost; its tasks have ended. `mayHaveRestarted`: what was acknowledged and not synced may be lost.
   */
  onLost(connection: number, mayHaveRestarted: boolean): void;
  /** No connection is left and none can be opened: the run is over. */
  onFailed(error: CopyError): void;
  /** Whether the server is computing digests over this connection. */
  isHashing(connection: number): boolean;
  /** Whether no file job needs this connection, so that it may be closed and opened anew. */
  mayRelocate(connection: number): boolean;
}

export interface RunConnectionsOptions {
  readonly runner: Runners;
  readonly counters: Counters;
  readonly pool: ConnectionPoolOptions;
  readonly emit: (event: TransferEventBody) => void;
  /** Aborted when the run is over. */
  readonly signal: AbortSignal;
  readonly listener: RunConnectionsListener;
}

export class RunConnections {
  readonly pool: ConnectionPool;
  readonly access: ConnectionAccess;
  readonly scheduler: Scheduler;
  readonly router: TaskRouter;
  readonly continuity: ContinuityCheck;
  readonly #rates: ConnectionRates;
  readonly #monitor: ConnectionMonitor;
  readonly #relocation: Relocation;
  readonly #listener: RunConnectionsListener;

  constructor({ runner, counters, pool: options, emit, signal, listener }: RunConnectionsOptions) {
    this.#listener = listener;
    const rates = new ConnectionRates(counters, performance.now());
    const scheduler = new Scheduler((connection) => rates.bytesPerSecond(connection));
    const pool = new ConnectionPool(runner, options, {
      onOpened: (connection) => this.#opened(connection),
      onClosing: (connection) => scheduler.removeConnection(connection),
      onLost: (connection) => this.#lost(connection),
      isPerforming: () => this.access.isPerforming,
      onFailed: (error) => listener.onFailed(error),
      emit,
    });
    const connection = (id: number) => runner.local.connection(id);
    this.access = new ConnectionAccess({ pool, connection, retryForMs: options.retryForMs, signal });
    this.continuity = new ContinuityCheck(new ServerContinuity(), {
      isOpen: (id) => pool.isOpen(id),
      drop: (id) => pool.drop(id),
      ask: (id) => runner.post({ kind: 'ask', connection: id }),
    });
    const onProgress = (id: number | undefined): void => {
      this.access.onProgress();
      if (id !== undefined) this.continuity.onAcknowledged(id);
    };
    const onEnded = (id: number): void => this.#relocation.onTaskEnded(id);
    const router = new TaskRouter({ scheduler, runner, signal, onProgress, onEnded });
    this.#relocation = new Relocation({
      pool,
      tasks: {
        retire: (id) => router.retire(id),
        isWorking: (id) => scheduler.isWorking(id),
        restore: (id) => scheduler.addConnection(id),
        dispatch: () => router.dispatch(),
      },
      isFree: (id) => !listener.isHashing(id) && listener.mayRelocate(id),
    });
    this.#monitor = new ConnectionMonitor({
      pool,
      rates,
      counters,
      tasks: scheduler,
      isBusy: (id) => listener.isHashing(id),
      notice: (level, code, message) => emit({ type: 'notice', level, code, message }),
    });
    this.#rates = rates;
    this.scheduler = scheduler;
    this.pool = pool;
    this.router = router;
  }

  /** Handles the reports of a runner on connections and tasks; returns false for any other report. */
  report(report: RunnerReport): boolean {
    if (this.pool.report(report) || this.router.report(report)) return true;
    if (report.kind === 'answered') this.continuity.onAnswered(report.connection, report.error === undefined);
    else if (report.kind === 'relocate') this.#relocation.request(report.connection);
    else return false;
    return true;
  }

  /**
   * To be called a few times a second. `isSyncing`: the server syncs a file, and may answer on no connection meanwhile.
   */
  tick(nowMs: number, isSyncing: boolean): void {
    this.#monitor.tick(nowMs, isSyncing);
    this.scheduler.onRatesChanged();
    this.#relocation.relocateIfFree();
    this.router.dispatch();
  }

  #opened(connection: number): void {
    this.#rates.add(connection, performance.now());
    this.scheduler.addConnection(connection);
    this.continuity.onOpened(connection);
    this.access.onConnectionOpened();
    this.#listener.onOpened();
  }

  #lost(connection: number): void {
    this.#relocation.onConnectionLost(connection);
    this.scheduler.removeConnection(connection);
    this.#rates.remove(connection);
    this.#listener.onLost(connection, this.continuity.onLost(connection));
    this.router.dispatch();
  }
}
