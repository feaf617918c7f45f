/**
 * The commands that a runner has not answered yet, and the connections that it has open. When its thread ends, the
 * answers that are still to come, and the losses of the connections, are generated from these.
 */
import type { RunnerCommand, RunnerReport } from '../engine/runner/piece-runner.ts';
import type { CopyErrorData } from '../errors.ts';
import type { StageToken } from '../remotes/remote.ts';

export class PendingCommands {
  readonly #commands: Map<string, RunnerCommand> = new Map();
  readonly #open: Set<number> = new Set();

  add(command: RunnerCommand): void {
    const key = keyOfCommand(command);
    if (key !== undefined) this.#commands.set(key, command);
  }

  settle(report: RunnerReport): void {
    const key = keyOfReport(report);
    if (key !== undefined) this.#commands.delete(key);
    if (report.kind === 'opened') this.#open.add(report.connection);
    else if (report.kind === 'lost') this.#open.delete(report.connection);
  }

  /**
   * The failure of each command and the loss of each connection, in the order that the port demands: tasks end before
   * their connection is lost. Nothing is pending afterwards.
   */
  fail(error: CopyErrorData): RunnerReport[] {
    const answers = [...this.#commands.values()].flatMap((command) => failure(command, error));
    const losses = [...this.#open].map((connection): RunnerReport => ({ kind: 'lost', connection, error }));
    this.#commands.clear();
    this.#open.clear();
    return [...answers, ...losses];
  }
}

function keyOfCommand(command: RunnerCommand): string | undefined {
  switch (command.kind) {
    case 'open':
      return `open ${command.connection}`;
    case 'send':
    case 'receive':
    case 'probe-writers':
      return `task ${command.task}`;
    case 'leave':
      return leaveKey(command.connection, command.of);
    case 'close-file':
      return fileKey(command.connection, command.from);
    case 'ask':
      return `ask ${command.connection}`;
    default:
      return undefined;
  }
}

function keyOfReport(report: RunnerReport): string | undefined {
  switch (report.kind) {
    case 'opened':
    case 'open-failed':
      return `open ${report.connection}`;
    case 'ended':
    case 'probed':
      return `task ${report.task}`;
    case 'left':
      return leaveKey(report.connection, report.of);
    case 'file-closed':
      return fileKey(report.connection, report.from);
    case 'answered':
      return `ask ${report.connection}`;
    default:
      return undefined;
  }
}

function leaveKey(connection: number, of: StageToken): string {
  return `leave ${connection} ${of.stage}`;
}

function fileKey(connection: number, from: Uint8Array): string {
  return `file ${connection} ${Buffer.from(from).toString('hex')}`;
}

function failure(command: RunnerCommand, error: CopyErrorData): RunnerReport[] {
  switch (command.kind) {
    case 'open':
      return [{ kind: 'open-failed', connection: command.connection, error }];
    case 'send':
    case 'receive':
      return [{ kind: 'ended', task: command.task, error }];
    case 'probe-writers':
      return [{ kind: 'probed', job: command.job, task: command.task, error }];
    case 'leave':
      return [{ kind: 'left', job: command.job, connection: command.connection, of: command.of, error }];
    case 'close-file':
      return [{ kind: 'file-closed', job: command.job, connection: command.connection, from: command.from, error }];
    case 'ask':
      return [{ kind: 'answered', connection: command.connection, error }];
    default:
      return [];
  }
}
