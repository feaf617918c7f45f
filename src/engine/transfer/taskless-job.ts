/**
 * The base of file jobs that have no tasks, because their file is not handed out in ranges. They ignore what the run
 * reports.
 */
import { CopyError } from '../../errors.ts';
import type { RunnerCommand } from '../runner/piece-runner.ts';
import type { Examined, FileResult, RunningJob } from './direction.ts';

export abstract class TasklessJob implements RunningJob {
  abstract readonly isStream: boolean;
  readonly bytesResumed = 0;

  abstract readonly bytesAcknowledged: number;
  abstract run(): Promise<FileResult>;
  abstract examine(failure: CopyError): Promise<Examined>;

  command(): RunnerCommand {
    throw new CopyError('bug', 'The file is not sent in ranges.');
  }

  isSyncing(): boolean {
    return false;
  }

  /** False, because the job may be using any connection. */
  mayRelocate(): boolean {
    return false;
  }

  onAcknowledged(): void {}
  onHashed(): void {}
  onTaskEnded(): void {}
  onAnswer(): void {}
  onConnectionOpened(): void {}
  onConnectionLost(): void {}
  onServerMayHaveRestarted(): void {}
  onTick(): void {}
  onRunOver(): void {}
}

/** A job that fails as soon as it is run. */
export class UnopenedJob extends TasklessJob {
  readonly isStream = false;
  readonly bytesAcknowledged = 0;
  readonly #failure: unknown;

  constructor(failure: unknown) {
    super();
    this.#failure = failure;
  }

  run(): Promise<FileResult> {
    return Promise.reject(this.#failure);
  }

  async examine(failure: CopyError): Promise<Examined> {
    return { failure, bytesKept: 0, isSeen: false };
  }
}
