/** The piece runners of a run, used as one. */
import type { RemoteConnection, Staged, StageToken } from '../../remotes/remote.ts';
import type { PieceRunner } from './piece-runner.ts';

/** The connections of this thread, for what is not bulk data. */
export interface LocalConnections {
  /** Undefined: it is not open, or belongs to another thread. */
  connection(id: number): RemoteConnection | undefined;
  /** Hands over a staged file that was opened on a connection of this thread. */
  adopt(connection: number, staged: Staged): void;
  /**
   * The staged file on a connection of this thread, joined if it is not yet.
   * @throws {CopyError} `connection-lost` when the connection is gone; whatever `join` rejects with
   */
  joined(connection: number, of: StageToken): Promise<Staged>;
  /** Whether a connection has this staged file open. */
  holds(connection: number, of: StageToken): boolean;
  /** Forgets a staged file that was sealed or closed by its borrower. */
  forget(connection: number, of: StageToken): void;
}

export interface Runners extends PieceRunner {
  /** Connections 1 and 2 are always among them. */
  readonly local: LocalConnections;
}
