/** All piece runners of a run, behind the interface of one. */
import type { RemoteConnection, RemoteFile, Staged, StageToken } from '../../remotes/remote.ts';
import type { PieceRunner } from './piece-runner.ts';

/**
 * Connections 1 and 2 always belong to this thread: one of them lists and commits, and a probe for a second writer
 * needs both.
 */
export const LOCAL_CONNECTIONS = 2;

/** The connections of this thread, for everything that is not bulk data. */
export interface LocalConnections {
  /** Undefined: it is not open, or belongs to another thread. */
  connection(id: number): RemoteConnection | undefined;
  /** The runner uses this staged file, which the caller has opened on a connection of this thread, for its tasks. */
  adopt(connection: number, staged: Staged): void;
  /**
   * The staged file, opened on a connection of this thread; it is opened there if it is not open yet.
   * @throws {CopyError} `connection-lost`: the connection is gone; whatever `RemoteConnection.join` rejects with
   */
  joined(connection: number, of: StageToken): Promise<Staged>;
  /** Whether a connection has this staged file open. */
  holds(connection: number, of: StageToken): boolean;
  /**
   * A file of the server on a connection of this thread, opened if it is not yet. It is shared with the tasks there.
   * @throws {CopyError} `connection-lost`: the connection is not open; whatever `RemoteConnection.open` rejects with
   */
  openedFile(connection: number, path: Uint8Array): Promise<RemoteFile>;
  /** The caller has sealed or closed this staged file: the runner does not use it any more. */
  forget(connection: number, of: StageToken): void;
}

export interface Runners extends PieceRunner {
  /** The connections from 1 to {@link LOCAL_CONNECTIONS} are always among them. */
  readonly local: LocalConnections;
}
