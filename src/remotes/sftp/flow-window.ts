import { FlowMemory } from './flow-memory.ts';
import { type Flight, LineModel } from './line-model.ts';
import { SHORTEST_REQUEST } from './shortest-request.ts';
import { DEFAULT_STALL_TIMEOUT_MS } from './ssh/ssh-options.ts';

export type { Flight } from './line-model.ts';

/** The data that fits into an SSH packet of 32 KiB together with the header of a WRITE and a handle of usual length. */
export const SMALL_REQUEST: number = 32_768 - 64;
/** The longest request before the rate is measured, which even a slow line transfers soon. */
const LONGEST_FIRST_REQUEST = 8 * 1024;
/** When the rate is measured, the longest request takes this share of the stall timeout ... */
const STALL_SHARE = 1 / 4;
/** ... but is at least this long, because shorter requests consist mostly of headers. */
const LEAST_LONGEST_REQUEST = 512;
/**
 * How many requests a large window is divided into. A small one is divided into half as many, because each costs time.
 */
const REQUESTS_IN_WINDOW = 8;

export interface FlowWindowOptions {
  /** The longest data of one request, in bytes. */
  readonly maxRequest: number;
  /** How many requests may be in flight, if the user has fixed it. */
  readonly requests: number | 'auto';
  /** How long a connection may be silent. Default: 30,000. Infinity: requests may take any time. */
  readonly stallTimeoutMs?: number | undefined;
  /** The measurements that the connections to one server share. Default: the connection has its own. */
  readonly memory?: FlowMemory | undefined;
  /** A clock in milliseconds that never goes back and is the same for all connections. */
  readonly now?: () => number;
}

/** A call of {@link FlowWindow.inTurn} that waits for room. */
interface QueuedSend {
  readonly wanted: number;
  readonly send: (room: number) => void;
  readonly onSent: () => void;
}

/**
 * Limits how many bytes are in flight on one connection. The limit is fixed by the user, or follows from measurements:
 * see {@link LineModel}. A single request is always allowed, however long it is, so that a connection never waits for
 * nothing.
 */
export class FlowWindow {
  readonly #options: FlowWindowOptions;
  readonly #now: () => number;
  readonly #line: LineModel;
  /** The longest request that fits one packet. */
  readonly #small: number;
  #inFlight = 0;
  #waiting: (() => void)[] = [];
  /** What was not sent yet by {@link inTurn}, in the order of the calls. */
  readonly #queue: QueuedSend[] = [];

  constructor(options: FlowWindowOptions) {
    this.#options = options;
    this.#now = options.now ?? sharedClock;
    this.#small = Math.min(SMALL_REQUEST, options.maxRequest);
    this.#line = new LineModel(options.memory ?? new FlowMemory(), this.#small, this.#now());
  }

  /** How many bytes may be in flight now. */
  get size(): number {
    const { requests } = this.#options;
    return requests === 'auto' ? this.#line.window : requests * this.requestLength;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** The best length of a request, in bytes. Short requests suit slow lines; long ones take less time per byte. */
  get requestLength(): number {
    const { requests, maxRequest } = this.#options;
    if (requests !== 'auto') return Math.floor(Math.min(this.#small, this.#longestRequest));
    const share = this.#line.window / REQUESTS_IN_WINDOW;
    const best = Math.max(SHORTEST_REQUEST, Math.min(this.#small, 2 * share), share);
    return Math.floor(Math.min(maxRequest, best, this.#longestRequest));
  }

  /** A longer request could take so long that its connection would be considered stalled. */
  get #longestRequest(): number {
    const { stallTimeoutMs = DEFAULT_STALL_TIMEOUT_MS } = this.#options;
    if (stallTimeoutMs === Number.POSITIVE_INFINITY) return stallTimeoutMs;
    const rate = this.#line.bytesPerMs;
    return rate === 0 ? LONGEST_FIRST_REQUEST : Math.max(LEAST_LONGEST_REQUEST, rate * stallTimeoutMs * STALL_SHARE);
  }

  /**
   * Resolves with the number of bytes that may be sent, when it is at least one request. Where possible it waits until
   * several requests can be sent together, which takes less time per request, as long as enough is in flight to keep
   * the line busy. It waits only while requests are in flight, and these have deadlines.
   */
  async room(): Promise<number> {
    this.#line.start(this.#now());
    while (this.#room < Math.max(this.requestLength, Math.min(this.size / 4, this.size - this.#line.needed))) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#room;
  }

  /**
   * Calls `send` as soon as there is room for a request, or for all `wanted` bytes if they are fewer, and nothing is
   * left of what other calls want to send. `send` must call {@link onSent} for what it sends before it returns, so that
   * many callers at the same time use the room only once; {@link room} does not ensure that.
   * @param send is given the bytes that there is room for; must not throw
   */
  inTurn(wanted: number, send: (room: number) => void): Promise<void> {
    this.#line.start(this.#now());
    return new Promise((resolve) => {
      this.#queue.push({ wanted, send, onSent: resolve });
      this.#sendQueued();
    });
  }

  #sendQueued(): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (this.#room < Math.min(next.wanted, this.requestLength)) return;
      this.#queue.shift();
      next.send(this.#room);
      next.onSent();
    }
  }

  /** To be called for each request that is sent. Pass the result to {@link onAcknowledged}. */
  onSent(length: number): Flight {
    const flight = this.#line.onSent(length, this.#inFlight === 0, this.#now());
    this.#inFlight += length;
    return flight;
  }

  /** To be called when the server has acknowledged a request, or all its data was received and drained. */
  onAcknowledged(flight: Flight): void {
    this.#line.onAcknowledged(flight, this.#inFlight, this.#now());
    this.release(flight.length);
  }

  /** To be called instead of {@link onAcknowledged} when a request has failed: its bytes are not in flight any more. */
  release(length: number): void {
    this.#inFlight -= length;
    this.#sendQueued();
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  get #room(): number {
    // A single request is always allowed, however long it is.
    return this.#inFlight === 0 ? Math.max(this.size, this.requestLength) : this.size - this.#inFlight;
  }
}

/** A clock that is the same for all threads of the program. */
function sharedClock(): number {
  return performance.timeOrigin + performance.now();
}
