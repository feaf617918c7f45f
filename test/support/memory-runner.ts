/** Piece runners without threads, connections or files: a range is received as soon as nothing else is to be done. */
import type { Counters } from '../../src/engine/runner/counters.ts';
import type { RunnerCommand, RunnerReport } from '../../src/engine/runner/piece-runner.ts';
import type { LocalConnections, Runners } from '../../src/engine/runner/runners.ts';
import { CopyError } from '../../src/errors.ts';
import type { Abilities, Range, RemoteConnection } from '../../src/remotes/remote.ts';

const ABILITIES: Abilities = {
  pieceSize: { min: 1, max: Number.MAX_SAFE_INTEGER, maxPieces: Number.MAX_SAFE_INTEGER },
  smallestCut: 64 * 1024,
  writers: 'many',
  durable: 'acknowledged',
};

/** Copies a range; may throw, with scope `connection` where the connection is lost. */
export type CopyRange = (connection: number, from: Uint8Array, range: Range) => void;

export class MemoryRunner implements Runners {
  readonly open: Set<number> = new Set();
  readonly #counters: Counters;
  readonly #copy: CopyRange;
  #listener: (report: RunnerReport) => void = () => {};

  constructor(counters: Counters, copy: CopyRange) {
    this.#counters = counters;
    this.#copy = copy;
  }

  get local(): LocalConnections {
    const notUsed = (): never => {
      throw new Error('Nothing is staged.');
    };
    const connection = (id: number): RemoteConnection | undefined =>
      this.open.has(id) ? ({} as RemoteConnection) : undefined;
    return { connection, adopt: notUsed, joined: notUsed, holds: () => false, openedFile: notUsed, forget: notUsed };
  }

  onReport(listener: (report: RunnerReport) => void): void {
    this.#listener = listener;
  }

  post(command: RunnerCommand): void {
    // Later, as from another thread.
    setImmediate(() => this.#carryOut(command));
  }

  async end(): Promise<void> {
    this.open.clear();
  }

  #carryOut(command: RunnerCommand): void {
    if (command.kind === 'open') {
      this.open.add(command.connection);
      this.#listener({ kind: 'opened', connection: command.connection, abilities: ABILITIES, description: 'memory' });
    } else if (command.kind === 'close') {
      if (this.open.delete(command.connection)) this.#listener({ kind: 'lost', connection: command.connection });
    } else if (command.kind === 'receive') this.#receive(command);
    else if (command.kind === 'close-file') this.#listener({ ...command, kind: 'file-closed' });
    // A range is received at once, so that a command to cut it short always comes too late.
  }

  #receive({ task, connection, from, range }: Extract<RunnerCommand, { kind: 'receive' }>): void {
    try {
      this.#copy(connection, from, range);
      this.#counters.addAcknowledged(connection, range.length);
      this.#listener({ kind: 'progress', task, acknowledged: [range] });
      this.#listener({ kind: 'taken', task });
      this.#listener({ kind: 'ended', task });
    } catch (error) {
      this.#listener({ kind: 'ended', task, error: CopyError.from(error).toData() });
    }
  }
}
