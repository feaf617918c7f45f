import { FlowMemory } from './flow-memory.ts';
import { type Flight, LineModel, SHORTEST_REQUEST } from './line-model.ts';
import { DEFAULT_STALL_TIMEOUT_MS } from './ssh/ssh-options.ts';

export type { Flight } from './line-model.ts';

/** What fits one SSH packet of 32 KiB together with the header of a WRITE and a handle of usual length. */
export const SMALL_REQUEST: number = 32_768 - 64;
/** The longest request before anything is measured: a slow line must be able to carry it soon. */
const LONGEST_FIRST_REQUEST = 8 * 1024;
/** The longest request of a line that is measured takes this share of the stall timeout ... */
const STALL_SHARE = 1 / 4;
/** ... unless that is shorter than this, of which headers are a large part. */
const LEAST_LONGEST_REQUEST = 512;
/** Of a long window. Of a short one, whose requests would cost too much each, half as many. */
const REQUESTS_IN_WINDOW = 8;

export interface FlowWindowOptions {
  /** Largest data of one request. */
  readonly maxRequest: number;
  /** Requests in flight, fixed by the user. */
  readonly requests: number | 'auto';
  /** For how long a connection may be silent. Default: 30,000. Infinity: requests may take any time. */
  readonly stallTimeoutMs?: number | undefined;
  /** Shared by the connections to one server. */
  readonly memory?: FlowMemory | undefined;
  /** A clock in milliseconds that never goes back, and is the same for all connections. */
  readonly now?: () => number;
}

/**
 * Counts what is in flight on one connection, and lets more go when there is room for it. How much may be in flight is
 * fixed by the user, or follows from what is measured: see {@link LineModel}.
 */
export class FlowWindow {
  readonly #options: FlowWindowOptions;
  readonly #now: () => number;
  readonly #line: LineModel;
  /** The longest request that fits one packet. */
  readonly #small: number;
  #inFlight = 0;
  #waiting: (() => void)[] = [];

  constructor(options: FlowWindowOptions) {
    this.#options = options;
    this.#now = options.now ?? sharedClock;
    this.#small = Math.min(SMALL_REQUEST, options.maxRequest);
    this.#line = new LineModel(options.memory ?? new FlowMemory(), this.#small, this.#now());
  }

  /** Bytes that may be in flight now. */
  get size(): number {
    const { requests } = this.#options;
    return requests === 'auto' ? this.#line.window : requests * this.requestLength;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** How long a request is best, bytes: short ones share a slow connection evenly, long ones cost less each. */
  get requestLength(): number {
    const { requests, maxRequest } = this.#options;
    if (requests !== 'auto') return Math.floor(Math.min(this.#small, this.#longestRequest));
    const share = this.#line.window / REQUESTS_IN_WINDOW;
    const best = Math.max(SHORTEST_REQUEST, Math.min(this.#small, 2 * share), share);
    return Math.floor(Math.min(maxRequest, best, this.#longestRequest));
  }

  /** A longer one would take so long that its connection could be taken for silent. */
  get #longestRequest(): number {
    const { stallTimeoutMs = DEFAULT_STALL_TIMEOUT_MS } = this.#options;
    if (stallTimeoutMs === Number.POSITIVE_INFINITY) return stallTimeoutMs;
    const rate = this.#line.bytesPerMs;
    return rate === 0 ? LONGEST_FIRST_REQUEST : Math.max(LEAST_LONGEST_REQUEST, rate * stallTimeoutMs * STALL_SHARE);
  }

  /**
   * Resolves with the room for more when there is some: at least one request, and as many together, which costs less
   * each, as can be waited for while what is in flight is still all that the line needs.
   */
  async room(): Promise<number> {
    this.#line.start(this.#now());
    while (this.#room < Math.max(this.requestLength, Math.min(this.size / 4, this.size - this.#line.needed))) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#room;
  }

  sent(length: number): Flight {
    const flight = this.#line.sent(length, this.#inFlight === 0, this.#now());
    this.#inFlight += length;
    return flight;
  }

  acknowledged(flight: Flight): void {
    this.#line.acknowledged(flight, this.#inFlight, this.#now());
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
    return this.#inFlight === 0 ? Math.max(this.size, this.requestLength) : this.size - this.#inFlight;
  }
}

/** The same for all threads of the program. */
function sharedClock(): number {
  return performance.timeOrigin + performance.now();
}
