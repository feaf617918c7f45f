/**
 * Numbers that engine and runners share across threads, without a message: what each connection has had acknowledged
 * and has in flight, and how much all of them may still take (the rate limit). Bytes, as 64-bit integers.
 */

/** Connections are numbered from 1 to this. */
export const MAX_CONNECTIONS: number = 1024;

const ALLOWANCE = 0;
const LIMITED = 1;
const HEADER = 2;
const SLOTS = 2;

export class Counters {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: BigInt64Array;

  /** On memory that another thread gave, or on new memory. */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(8 * (HEADER + SLOTS * (MAX_CONNECTIONS + 1)))) {
    this.buffer = buffer;
    this.#cells = new BigInt64Array(buffer);
  }

  addAcknowledged(connection: number, bytes: number): void {
    Atomics.add(this.#cells, cell(connection, 0), BigInt(bytes));
    Atomics.sub(this.#cells, cell(connection, 1), BigInt(bytes));
  }

  addInFlight(connection: number, bytes: number): void {
    Atomics.add(this.#cells, cell(connection, 1), BigInt(bytes));
  }

  /** What was in flight and will not be acknowledged. */
  dropInFlight(connection: number, bytes: number): void {
    Atomics.sub(this.#cells, cell(connection, 1), BigInt(bytes));
  }

  /** What was in flight on a connection that is gone. */
  clearInFlight(connection: number): void {
    Atomics.store(this.#cells, cell(connection, 1), 0n);
  }

  /** Since the run began, over all connections that had this number. */
  acknowledged(connection: number): number {
    return Number(Atomics.load(this.#cells, cell(connection, 0)));
  }

  /** Over all connections. */
  totalAcknowledged(): number {
    let total = 0;
    for (let connection = 1; connection <= MAX_CONNECTIONS; connection++) total += this.acknowledged(connection);
    return total;
  }

  inFlight(connection: number): number {
    return Number(Atomics.load(this.#cells, cell(connection, 1)));
  }

  /** Turns the rate limit on: from now on takers need an allowance. */
  limit(): void {
    Atomics.store(this.#cells, LIMITED, 1n);
  }

  /** Adds to what may be taken; what is unused beyond `cap` is lost, so that a pause gives no credit. */
  allow(bytes: number, cap: number): void {
    const sum = Atomics.add(this.#cells, ALLOWANCE, BigInt(bytes)) + BigInt(bytes);
    if (sum > BigInt(cap)) Atomics.sub(this.#cells, ALLOWANCE, sum - BigInt(cap));
  }

  /**
   * Whether `bytes` may be taken now; if so they are. The last taker may overdraw by what it takes, which those after
   * it wait for.
   */
  tryTake(bytes: number): boolean {
    if (Atomics.load(this.#cells, LIMITED) === 0n) return true;
    if (Atomics.load(this.#cells, ALLOWANCE) <= 0n) return false;
    Atomics.sub(this.#cells, ALLOWANCE, BigInt(bytes));
    return true;
  }
}

function cell(connection: number, index: number): number {
  return HEADER + connection * SLOTS + index;
}
