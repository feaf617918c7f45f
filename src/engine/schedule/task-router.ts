/**
 * Passes the orders of the scheduler to the piece runners, and the reports of the runners to the scheduler and to the
 * file job of the task. A report on a task that has ended, or is unknown, is ignored.
 */
import { CopyError } from '../../errors.ts';
import type { Range } from '../../remotes/remote.ts';
import type { PieceRunner, RunnerCommand, RunnerReport } from '../runner/piece-runner.ts';
import type { Order, Scheduler } from './scheduler.ts';

/** The part of a file job that deals with its tasks. */
export interface TaskOwner {
  /** Returns the command by which `connection` carries `range`. The command is posted at once. */
  command(task: number, connection: number, range: Range): RunnerCommand;
  onAcknowledged(parts: readonly Range[]): void;
  onHashed(report: Extract<RunnerReport, { kind: 'hashed' }>): void;
  onTaskEnded(connection: number, error: CopyError | undefined): void;
}

export interface TaskRouterOptions {
  readonly scheduler: Scheduler;
  readonly runner: Pick<PieceRunner, 'post'>;
  /** Aborted when the run is over: nothing is handed out any more then. */
  readonly signal: AbortSignal;
  /** Bytes were acknowledged on a connection. Undefined: the task is not known any more. */
  readonly onProgress: (connection: number | undefined) => void;
  /** A task on the connection has ended, and its file job was told. */
  readonly onEnded: (connection: number) => void;
}

export class TaskRouter {
  readonly #options: TaskRouterOptions;
  /** By the number of the file. */
  readonly #owners: Map<number, TaskOwner> = new Map();
  /** Tasks that have not ended. */
  readonly #tasks: Map<number, { readonly owner: TaskOwner; readonly connection: number }> = new Map();

  constructor(options: TaskRouterOptions) {
    this.#options = options;
  }

  add(file: number, owner: TaskOwner): void {
    this.#owners.set(file, owner);
  }

  /** The file must have no tasks any more. */
  remove(file: number): void {
    this.#owners.delete(file);
  }

  /** Gives idle connections something to do. */
  dispatch(): void {
    const { scheduler, signal } = this.#options;
    if (signal.aborted) return;
    for (const order of scheduler.orders()) this.carryOut(order);
  }

  /** Carries out an order of the scheduler. */
  carryOut(order: Order): void {
    const { runner } = this.#options;
    if (order.kind === 'shorten') return runner.post(order);
    const { task, connection, file, range } = order;
    const owner = this.#owners.get(file)!;
    this.#tasks.set(task, { owner, connection });
    runner.post(owner.command(task, connection, range));
  }

  /** The connection gets no more tasks, and gives back what it has not taken. */
  retire(connection: number): void {
    for (const order of this.#options.scheduler.retire(connection)) this.carryOut(order);
  }

  /** Returns whether the report was about a task. */
  report(report: RunnerReport): boolean {
    const { scheduler, onProgress } = this.#options;
    switch (report.kind) {
      case 'progress': {
        const task = this.#tasks.get(report.task);
        scheduler.acknowledged(report.task, report.acknowledged);
        task?.owner.onAcknowledged(report.acknowledged);
        onProgress(task?.connection);
        return true;
      }
      case 'hashed':
        this.#tasks.get(report.task)?.owner.onHashed(report);
        return true;
      case 'taken':
        scheduler.taken(report.task);
        this.dispatch();
        return true;
      case 'shortened':
        scheduler.shortened(report.task, report.length);
        this.dispatch();
        return true;
      case 'ended':
        this.#ended(report);
        return true;
      default:
        return false;
    }
  }

  #ended({ task, error }: Extract<RunnerReport, { kind: 'ended' }>): void {
    const { scheduler, onEnded } = this.#options;
    const ended = this.#tasks.get(task);
    scheduler.ended(task);
    this.#tasks.delete(task);
    if (ended !== undefined) {
      ended.owner.onTaskEnded(ended.connection, error && CopyError.fromData(error));
      onEnded(ended.connection);
    }
    this.dispatch();
  }
}
