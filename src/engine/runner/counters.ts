/**
 * Numbers that the engine and the runners share across threads without messages: how many bytes each connection has in
 * flight, how many were acknowledged on it, and how many all connections together may still take (the rate limit). Each
 * is a 64-bit integer in shared memory.
 */

/** Connections are numbered from 1 to this. */
export const MAX_CONNECTIONS: number = 1024;

/** How often to call {@link Counters.tryTake} again while the rate limit allows nothing. */
export const LIMIT_POLL_MS = 10;

const ALLOWANCE = 0;
const LIMITED = 1;
const HEADER = 2;
const SLOTS = 2;

export class Counters {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: BigInt64Array;

  /** `buffer`: the memory of the counters of another thread; default: new memory. */
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

  /** Bytes that were in flight will not be acknowledged. */
  dropInFlight(connection: number, bytes: number): void {
    Atomics.sub(this.#cells, cell(connection, 1), BigInt(bytes));
  }

  /** The connection is gone, and what was in flight on it. */
  clearInFlight(connection: number): void {
    Atomics.store(this.#cells, cell(connection, 1), 0n);
  }

  /** Bytes since the run began, on all connections that have had this number. */
  acknowledged(connection: number): number {
    return Number(Atomics.load(this.#cells, cell(connection, 0)));
  }

  /** Bytes since the run began, on all connections. */
  totalAcknowledged(): number {
    let total = 0;
    for (let connection = 1; connection <= MAX_CONNECTIONS; connection++) total += this.acknowledged(connection);
    return total;
  }

  inFlight(connection: number): number {
    return Number(Atomics.load(this.#cells, cell(connection, 1)));
  }

  /** Turns the rate limit on: from now on, {@link tryTake} needs what {@link allow} has added. */
  limit(): void {
    Atomics.store(this.#cells, LIMITED, 1n);
  }

  /** Adds `bytes` to what may be taken, up to `cap`: what was not used during a pause is not saved up. */
  allow(bytes: number, cap: number): void {
    const sum = Atomics.add(this.#cells, ALLOWANCE, BigInt(bytes)) + BigInt(bytes);
    if (sum > BigInt(cap)) Atomics.sub(this.#cells, ALLOWANCE, sum - BigInt(cap));
  }

  /**
   * Takes `bytes` if anything may be taken now, and returns whether it did. The call may take more than what is left;
   * later calls wait until that has been made up for.
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
