/**
 * The rates of the connections, by which the scheduler compares them. A connection that is not measured yet counts as
 * an average one.
 */
export class ConnectionRates {
  readonly #measured: (connection: number) => number;
  /** Of the rates that were known at the last {@link refresh}; 0: none was. */
  #average = 0;

  /** `measured`: bytes per second; 0: not known yet. */
  constructor(measured: (connection: number) => number) {
    this.#measured = measured;
  }

  /** In bytes per second; 0: none of the connections is measured. */
  of(connection: number): number {
    return this.#measured(connection) || this.#average;
  }

  /** Computes the average of these connections again. */
  refresh(connections: Iterable<number>): void {
    const known = [...connections].map(this.#measured).filter((rate) => rate > 0);
    this.#average = known.length === 0 ? 0 : known.reduce((sum, rate) => sum + rate, 0) / known.length;
  }
}
