/** Finds out, by asking the connections of a run, whether the server has run without a restart. */
import { CopyError } from '../../errors.ts';
import { type Deferred, deferred } from '../../util/deferred.ts';
import type { ServerContinuity } from './server-continuity.ts';

/** What this needs of the run. */
export interface AskedConnections {
  isOpen(connection: number): boolean;
  /** Closes a connection that does not answer. Its loss is reported later. */
  drop(connection: number): void;
  /**
   * Asks a connection. {@link ContinuityCheck.onAnswered} is called once, when the connection has answered or is lost.
   */
  ask(connection: number): void;
}

/**
 * What can go wrong: the connection that is asked is lost (then the next witness is asked); the connection that the
 * answer is about is lost (the answer of a witness counts nevertheless); all connections are lost. A connection is
 * asked one question at a time, however many callers wait for the answer. A call asks each connection at most once, so
 * that it always ends.
 */
export class ContinuityCheck {
  readonly #continuity: ServerContinuity;
  readonly #connections: AskedConnections;
  readonly #asking: Map<number, Deferred<boolean>> = new Map();

  constructor(continuity: ServerContinuity, connections: AskedConnections) {
    this.#continuity = continuity;
    this.#connections = connections;
  }

  /** Changes whenever a restart cannot be ruled out. */
  get epoch(): number {
    return this.#continuity.epoch;
  }

  isWitness(connection: number): boolean {
    return this.#continuity.isWitness(connection);
  }

  onOpened(connection: number): void {
    this.#continuity.onOpened(connection);
  }

  /** Returns whether it was the last witness, so that the server may have been restarted. */
  onLost(connection: number): boolean {
    return this.#continuity.onLost(connection);
  }

  /** Bytes were acknowledged on a connection. */
  onAcknowledged(connection: number): void {
    this.#continuity.onAnswered(connection);
  }

  /**
   * Resolves when `connection` is a witness, or another witness has answered since the call: then the server has not
   * been restarted between what was acknowledged to it and the call.
   * @throws {CopyError} `connection-lost`: no witness answers. When the loss of the last one is reported, the jobs are
   *   told that the server may have been restarted
   */
  async assure(connection: number): Promise<void> {
    const silent = new Set<number>();
    while (!this.#continuity.isWitness(connection)) {
      const witness = this.#continuity.witnesses.find((other) => this.#connections.isOpen(other) && !silent.has(other));
      if (witness === undefined)
        throw new CopyError(
          'connection-lost',
          `Connection ${connection} does not show whether the server was restarted.`,
        );
      if (await this.#answers(witness)) return this.#continuity.onAnswered(witness);
      silent.add(witness);
      this.#connections.drop(witness);
    }
  }

  /** A connection that was asked has answered, or is lost. */
  onAnswered(connection: number, isThere: boolean): void {
    const asking = this.#asking.get(connection);
    this.#asking.delete(connection);
    asking?.resolve(isThere);
  }

  /**
   * A question that was asked before this call may also have been answered before it: only a new one shows what is
   * needed.
   */
  async #answers(connection: number): Promise<boolean> {
    const earlier = this.#asking.get(connection);
    if (earlier !== undefined && !(await earlier.promise)) return false;
    return this.#ask(connection);
  }

  #ask(connection: number): Promise<boolean> {
    const known = this.#asking.get(connection);
    if (known !== undefined) return known.promise;
    const answer = deferred<boolean>();
    this.#asking.set(connection, answer);
    this.#connections.ask(connection);
    return answer.promise;
  }
}
