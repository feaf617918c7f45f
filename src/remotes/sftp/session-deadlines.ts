import { CopyError } from '../../errors.ts';
import { MAX_TIMER_MS } from '../../util/max-timer.ts';
import type { PendingRequest } from './session-pending.ts';

/**
 * The deadlines of the requests of a session, with one timer for all of them, and none while there are no requests.
 *
 * The server executes requests in order, so that only the deadline of the oldest one matters. An ordinary request
 * expires when nothing was sent or received for the stall timeout. A slow one expires when its own time is over, and
 * the requests behind it do not expire meanwhile.
 */
export class SessionDeadlines {
  readonly #pending: ReadonlyMap<number, PendingRequest>;
  readonly #stallTimeoutMs: number;
  readonly #now: () => number;
  readonly #onExpired: (error: CopyError) => void;
  #lastActivityMs = 0;
  #slowCount = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = 0;
  #check: NodeJS.Immediate | undefined;

  /** @param pending the requests, oldest first; the caller changes the map, and then calls the methods of this class */
  constructor(
    pending: ReadonlyMap<number, PendingRequest>,
    stallTimeoutMs: number,
    now: () => number,
    onExpired: (error: CopyError) => void,
  ) {
    this.#pending = pending;
    this.#stallTimeoutMs = stallTimeoutMs;
    this.#now = now;
    this.#onExpired = onExpired;
  }

  /** To be called when bytes were received, or were taken by the socket. */
  onActivity(): void {
    this.#lastActivityMs = this.#now();
  }

  /** To be called when a request was added to the map. */
  onBegun(request: PendingRequest): void {
    if (request.slowMs > 0) this.#slowCount++;
    if (this.#pending.size > 1) return;
    this.onActivity();
    this.#onOldestChanged();
  }

  /** To be called when a request was removed from the map. */
  onSettled(request: PendingRequest): void {
    if (this.#pending.size === 0) {
      this.stop();
    } else if (this.#slowCount > 0) {
      if (request.slowMs > 0) this.#slowCount--;
      this.#onOldestChanged();
    }
  }

  /** Removes all deadlines. The caller removes all requests from the map. */
  stop(): void {
    this.#slowCount = 0;
    clearTimeout(this.#timer);
    clearImmediate(this.#check);
    this.#timer = undefined;
    this.#check = undefined;
  }

  #oldest(): PendingRequest | undefined {
    return this.#pending.values().next().value;
  }

  #onOldestChanged(): void {
    const oldest = this.#oldest();
    if (oldest !== undefined && oldest.slowMs > 0) oldest.oldestSinceMs ??= this.#now();
    this.#arm();
  }

  #deadline(): number {
    const oldest = this.#oldest();
    if (oldest?.oldestSinceMs !== undefined) return oldest.oldestSinceMs + oldest.slowMs;
    return this.#lastActivityMs + this.#stallTimeoutMs;
  }

  /** Makes the timer fire no later than the deadline. It may fire earlier, and is set again then. */
  #arm(): void {
    const deadline = this.#deadline();
    if (this.#timer !== undefined && this.#timerAtMs <= deadline) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = deadline;
    const delay = Math.ceil(Math.max(1, deadline - this.#now()));
    this.#timer = setTimeout(this.#onTimer, Math.min(delay, MAX_TIMER_MS));
    this.#timer.unref();
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    if (this.#now() < this.#deadline()) {
      this.#arm();
      return;
    }
    // After a sleep of the machine or a long task, received bytes may wait in the socket. They are read first.
    this.#check = setImmediate(this.#expire);
  };

  readonly #expire = (): void => {
    this.#check = undefined;
    if (this.#now() < this.#deadline()) {
      this.#arm();
      return;
    }
    const oldest = this.#oldest();
    if (oldest === undefined) return;
    const slow = oldest.slowMs > 0;
    const seconds = Math.round((slow ? oldest.slowMs : this.#stallTimeoutMs) / 1000);
    const what = slow ? 'The server did not finish a slow operation' : 'Nothing was sent or received';
    this.#onExpired(new CopyError('connection-stalled', `${what} for ${seconds} s.`));
  };
}
