import { CopyError } from '../../errors.ts';
import type { Reply } from './codec/replies.ts';
import { SessionDeadlines } from './session-deadlines.ts';
import { type Expected, type PendingRequest, settle } from './session-pending.ts';

export interface RequestTableOptions {
  readonly stallTimeoutMs: number;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
  /** The id of the first request, a uint32. */
  readonly firstId: number;
}

/** The most requests that may be in flight. */
const MAX_PENDING = 4096;
/** The id under which INIT waits for its reply. VERSION has no id, and no other request can have this one. */
export const VERSION_ID = -1;

/**
 * The requests in flight on a channel, by their ids, with their deadlines.
 *
 * The server can answer a request that nobody made, answer with what the request does not expect, or not answer. The
 * table then throws or calls `onExpired`, and the channel ends it.
 *
 * Every request is settled once, by its reply or by {@link end}. No two requests in flight have the same id. After the
 * end, there is no request in flight, and none can be begun.
 */
export class RequestTable {
  /** Oldest first. */
  readonly #pending = new Map<number, PendingRequest>();
  readonly #deadlines: SessionDeadlines;
  readonly #now: () => number;
  #lastReplyMs: number;
  #nextId: number;
  #ended: CopyError | undefined;

  /** @param onExpired called when a request was not answered in time; expected to call {@link end} */
  constructor({ stallTimeoutMs, now, firstId }: RequestTableOptions, onExpired: (error: CopyError) => void) {
    this.#deadlines = new SessionDeadlines(this.#pending, stallTimeoutMs, now, onExpired);
    this.#nextId = firstId;
    this.#now = now;
    this.#lastReplyMs = now();
  }

  /** How many requests are in flight. */
  get size(): number {
    return this.#pending.size;
  }

  /** The reason that was passed to {@link end}; undefined before. */
  get ended(): CopyError | undefined {
    return this.#ended;
  }

  /**
   * An id for a request, which is to be passed to {@link add}.
   * @param count how many requests the caller is going to add
   * @throws {CopyError} the reason of the end; `bug`: when too many requests would be in flight
   */
  takeId(count = 1): number {
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#pending.size + count > MAX_PENDING)
      throw new CopyError('bug', `More than ${MAX_PENDING} requests are in flight.`);
    let id = this.#nextId;
    while (this.#pending.has(id)) id = (id + 1) >>> 0;
    this.#nextId = (id + 1) >>> 0;
    return id;
  }

  /**
   * Adds a request that is sent now. Resolves with what its reply contains; rejects where the reply reports a failure,
   * or with the reason of the end.
   * @param id from {@link takeId}, or {@link VERSION_ID}
   * @param slowMs see {@link PendingRequest.slowMs}
   * @param length see {@link PendingRequest.length}
   */
  add(id: number, expects: Expected, slowMs: number, length: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const request: PendingRequest = { expects, length, slowMs, resolve, reject, oldestSinceMs: undefined };
      this.#pending.set(id, request);
      this.#deadlines.onBegun(request);
    });
  }

  /**
   * Settles the request that `reply` answers.
   * @throws {CopyError} `protocol`: when there is no such request, or the reply does not fit it
   */
  settle(reply: Reply): void {
    const id = reply.type === 'version' ? VERSION_ID : reply.id;
    const request = this.#pending.get(id);
    if (request === undefined) throw new CopyError('protocol', 'The server answered a request that nobody made.');
    const nowMs = this.#now();
    settle(request, reply, nowMs - this.#lastReplyMs);
    this.#lastReplyMs = nowMs;
    this.#pending.delete(id);
    this.#deadlines.onSettled(request);
  }

  /** To be called when bytes were received, or were taken by the socket: ordinary requests have more time then. */
  onActivity(): void {
    this.#deadlines.onActivity();
  }

  /** Rejects the requests in flight. To be called once. */
  end(reason: CopyError): void {
    this.#ended = reason;
    this.#deadlines.stop();
    for (const request of this.#pending.values()) request.reject(reason);
    this.#pending.clear();
  }
}
