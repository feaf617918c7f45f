/**
 * The connections that may have the staged file of one file job open. One of them is its owner: the connection that
 * staged it, or that opened it again after the owner was lost. Only the owner writes until it is known that others may
 * write too.
 *
 * A connection that leaves the file closes it, and the reply to its CLOSE is awaited, because a server may report only
 * there what it could not store. The loss of a connection ends the wait for its reply.
 */
import type { CopyError } from '../../errors.ts';
import type { StageToken } from '../../remotes/remote.ts';
import { type Deferred, deferred } from '../../util/deferred.ts';
import type { PieceRunner } from '../runner/piece-runner.ts';
import type { LocalConnections } from '../runner/runners.ts';

/** The part of the piece runners that deals with staged files. */
export interface HolderRunner extends Pick<PieceRunner, 'post'> {
  readonly local: Pick<LocalConnections, 'holds'>;
}

export class StagedHolders {
  /** Number of the file job. */
  readonly #job: number;
  readonly #runner: HolderRunner;
  readonly #connections: Set<number> = new Set();
  /** Connections whose CLOSE was requested and may not be answered yet. */
  readonly #leaving: Map<number, Deferred<void>> = new Map();
  #token: StageToken | undefined;
  #owner = 0;
  #hasLostOne = false;

  constructor(job: number, runner: HolderRunner) {
    this.#job = job;
    this.#runner = runner;
  }

  /** The staged file; undefined until the file was staged for the first time. */
  get token(): StageToken | undefined {
    return this.#token;
  }

  get owner(): number {
    return this.#owner;
  }

  /** Whether a connection was lost that had the staged file open. */
  get hasLostOne(): boolean {
    return this.#hasLostOne;
  }

  /** Whether the owner still has the staged file open. */
  get isOwnerHolding(): boolean {
    return this.#token !== undefined && this.#runner.local.holds(this.#owner, this.#token);
  }

  /**
   * A connection of this thread that has the staged file open: the owner if possible. Undefined where there is none,
   * for example because the owner was lost and reopened by another thread.
   */
  get localHolder(): number | undefined {
    const token = this.#token;
    if (token === undefined) return undefined;
    return [this.#owner, ...this.#connections].find((connection) => this.#runner.local.holds(connection, token));
  }

  /** `connection` has opened the staged file that `token` names, and owns it from now on. */
  setOwner(connection: number, token: StageToken): void {
    this.#token = token;
    this.#owner = connection;
    this.#connections.add(connection);
  }

  /** `connection` opens the staged file, or may have done so. */
  add(connection: number): void {
    this.#connections.add(connection);
  }

  onConnectionLost(connection: number): void {
    if (this.#connections.delete(connection)) this.#hasLostOne = true;
    this.#leaving.get(connection)?.resolve();
  }

  /** `connection` has closed the staged file; `error`: what the server reported about it. */
  onLeft(connection: number, error: CopyError | undefined): void {
    const leaving = this.#leaving.get(connection);
    if (error === undefined || error.scope === 'connection') leaving?.resolve();
    else leaving?.reject(error);
  }

  /**
   * All connections close the staged file, except `stays`.
   * @throws {CopyError} of the server: when it reports a failure on CLOSE
   */
  async leave(stays?: number): Promise<void> {
    const token = this.#token;
    if (token === undefined) return;
    const left = [...this.#connections]
      .filter((connection) => connection !== stays)
      .map((connection) => {
        const leaving = deferred<void>();
        this.#leaving.set(connection, leaving);
        this.#connections.delete(connection);
        this.#runner.post({ kind: 'leave', job: this.#job, connection, of: token });
        return leaving.promise;
      });
    await Promise.all(left);
  }
}
