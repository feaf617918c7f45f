/** The open connections that have no bytes left to take, the fastest first. */
import { SortedList } from './sorted-list.ts';

interface IdleConnection {
  readonly connection: number;
  /** In bytes per second, as it was when the connection became idle or rates were refreshed. */
  readonly rate: number;
  /** Rises with each connection that becomes idle: of equally fast ones, the first to become idle comes first. */
  readonly sequence: number;
}

export class IdleConnections {
  readonly #entries: Map<number, IdleConnection> = new Map();
  readonly #byRate: SortedList<IdleConnection> = new SortedList((a, b) => b.rate - a.rate || a.sequence - b.sequence);
  #lastSequence = 0;

  get size(): number {
    return this.#entries.size;
  }

  has(connection: number): boolean {
    return this.#entries.has(connection);
  }

  /** In the order in which they became idle. */
  list(): number[] {
    return [...this.#entries.keys()];
  }

  /** The connection that is faster than all but `rank` others. */
  at(rank: number): number | undefined {
    return this.#byRate.at(rank)?.connection;
  }

  add(connection: number, rate: number): void {
    if (this.#entries.has(connection)) return;
    const entry = { connection, rate, sequence: ++this.#lastSequence };
    this.#entries.set(connection, entry);
    this.#byRate.add(entry);
  }

  delete(connection: number): void {
    const entry = this.#entries.get(connection);
    if (entry === undefined) return;
    this.#entries.delete(connection);
    this.#byRate.remove(entry);
  }

  /** Sorts the connections by their rates of now. */
  refresh(rateOf: (connection: number) => number): void {
    for (const [connection, { sequence }] of this.#entries) {
      this.#entries.set(connection, { connection, rate: rateOf(connection), sequence });
    }
    this.#byRate.reset(this.#entries.values());
  }
}
