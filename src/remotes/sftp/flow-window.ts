/**
 * How much may be in flight on one connection: enough to fill round trip × rate, no more, because what is in flight can
 * be neither taken back nor given to another connection. Rate and round trip are measured on the requests themselves,
 * as BBR does it: the window is twice the highest rate of the last two seconds × the shortest round trip.
 */

/** What fits one SSH packet of 32 KiB together with the header of a WRITE and a handle of usual length. */
export const SMALL_REQUEST: number = 32_768 - 64;
/** Below this the server would wait for us between two requests. */
const MIN_REQUESTS = 3;
/** Before anything is measured: a quarter of a second on a line of a MB/s, and soon enough to fill a fast one. */
const FIRST_REQUESTS = 8;
/** In one window: so few that a request is long in coming cost the pipeline its evenness. */
const REQUESTS_IN_WINDOW = 8;
/** What OpenSSH lets be in flight on a channel (channels.h); more would only wait on this side. */
const MAX_WINDOW = 2 * 1024 * 1024;
/** Shorter round trips than this are noise of the processes at both ends. */
const SHORTEST_ROUND_TRIP_MS = 5;
/** For how long a measured rate counts. */
const RATE_MEMORY_MS = 2000;

/** One request in flight; what is needed to measure with it. */
export interface Flight {
  readonly length: number;
  readonly sentAtMs: number;
  /** Bytes acknowledged before it was sent, and when the last of them was. */
  readonly deliveredBefore: number;
  readonly deliveredAtMs: number;
}

export interface FlowWindowOptions {
  /** Largest data of one request. */
  readonly maxRequest: number;
  /** Requests in flight, fixed by the user. */
  readonly requests: number | 'auto';
  /** A clock in milliseconds that never goes back. */
  readonly now?: () => number;
}

export class FlowWindow {
  readonly #options: FlowWindowOptions;
  readonly #now: () => number;
  #window: number;
  /** Round trip × rate, bytes. */
  #needed = 0;
  #inFlight = 0;
  #delivered = 0;
  #deliveredAtMs: number;
  #shortestMs = Number.POSITIVE_INFINITY;
  /** Rates in bytes per millisecond, highest first, each later than the one before. */
  readonly #rates: { readonly rate: number; readonly atMs: number }[] = [];
  #waiting: (() => void)[] = [];

  constructor(options: FlowWindowOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#deliveredAtMs = this.#now();
    this.#window = this.#bounded(FIRST_REQUESTS * Math.min(SMALL_REQUEST, options.maxRequest));
  }

  /** Bytes that may be in flight now. */
  get size(): number {
    return this.#window;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** How long a request is best: small ones share a slow connection evenly, long ones cost less each. */
  get requestLength(): number {
    const { maxRequest, requests } = this.#options;
    const small = Math.min(SMALL_REQUEST, maxRequest);
    if (requests !== 'auto') return small;
    return Math.max(small, Math.min(maxRequest, Math.floor(this.#window / REQUESTS_IN_WINDOW)));
  }

  /**
   * Resolves with the room for more when there is some: at least one request, and as many together, which costs less
   * each, as can be waited for while what is in flight is still all that the line needs.
   */
  async room(): Promise<number> {
    while (this.#room < Math.max(this.requestLength, Math.min(this.#window / 4, this.#window - this.#needed))) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#room;
  }

  sent(length: number): Flight {
    if (this.#inFlight === 0) this.#deliveredAtMs = this.#now();
    this.#inFlight += length;
    return {
      length,
      sentAtMs: this.#now(),
      deliveredBefore: this.#delivered,
      deliveredAtMs: this.#deliveredAtMs,
    };
  }

  acknowledged(flight: Flight): void {
    const now = this.#now();
    this.#delivered += flight.length;
    this.#deliveredAtMs = now;
    this.#shortestMs = Math.min(this.#shortestMs, now - flight.sentAtMs);
    const elapsedMs = now - flight.deliveredAtMs;
    if (elapsedMs > 0) this.#measured((this.#delivered - flight.deliveredBefore) / elapsedMs, now);
    this.released(flight.length);
  }

  /** What was in flight is over, well or not. */
  released(length: number): void {
    this.#inFlight -= length;
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  get #room(): number {
    // A single request may always go, however long.
    return this.#inFlight === 0 ? Math.max(this.#window, this.requestLength) : this.#window - this.#inFlight;
  }

  #measured(rate: number, atMs: number): void {
    while (this.#rates.length > 0 && this.#rates.at(-1)!.rate <= rate) this.#rates.pop();
    this.#rates.push({ rate, atMs });
    while (this.#rates[0]!.atMs < atMs - RATE_MEMORY_MS) this.#rates.shift();
    this.#needed = this.#rates[0]!.rate * this.#shortestMs;
    this.#window = this.#bounded(2 * this.#rates[0]!.rate * Math.max(SHORTEST_ROUND_TRIP_MS, this.#shortestMs));
  }

  #bounded(bytes: number): number {
    const { requests, maxRequest } = this.#options;
    const small = Math.min(SMALL_REQUEST, maxRequest);
    if (requests !== 'auto') return requests * small;
    return Math.min(MAX_WINDOW, Math.max(bytes, MIN_REQUESTS * small));
  }
}
