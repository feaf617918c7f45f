/**
 * Knows whether the server may have been restarted. Acknowledged is not durable: after a restart, bytes that were not
 * synced may be missing, and nothing shows that. A connection that was open before something was acknowledged and still
 * answers afterwards proves that there was no restart in between. Such connections are the witnesses.
 *
 * There is a witness as long as a connection is open. When the last witness is lost, the epoch changes, and the
 * connections that are open then are witnesses of what is acknowledged from then on.
 */
export class ServerContinuity {
  readonly #open: Set<number> = new Set();
  readonly #witnesses: Set<number> = new Set();
  #restarts = 0;

  /** Changes whenever a restart cannot be ruled out. */
  get epoch(): number {
    return this.#restarts;
  }

  get witnesses(): number[] {
    return [...this.#witnesses];
  }

  isWitness(connection: number): boolean {
    return this.#witnesses.has(connection);
  }

  onOpened(connection: number): void {
    this.#open.add(connection);
    if (this.#witnesses.size === 0) this.#witnesses.add(connection);
  }

  /** A connection answered. If it is a witness, all connections that are open now become witnesses. */
  onAnswered(connection: number): void {
    if (!this.#witnesses.has(connection) || this.#witnesses.size === this.#open.size) return;
    for (const other of this.#open) this.#witnesses.add(other);
  }

  /** Returns whether it was the last witness, so that the server may have been restarted. */
  onLost(connection: number): boolean {
    this.#open.delete(connection);
    if (!this.#witnesses.delete(connection) || this.#witnesses.size > 0) return false;
    this.#restarts++;
    for (const other of this.#open) this.#witnesses.add(other);
    return true;
  }
}
