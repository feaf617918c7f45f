import { CopyError } from '../../errors.ts';
import type { PendingRequest } from './session-pending.ts';

/** Longest delay a timer takes. */
const maxTimerMs = 0x7fffffff;

/**
 * Watches that a session goes on, with one timer for all its requests and none while it has no request.
 *
 * Requests are executed in order, so only the oldest is looked at: an ordinary one has failed when the connection has
 * been silent for the stall timeout; a slow one when its own time is over, and those behind it wait meanwhile.
 */
export class SessionDeadlines {
  readonly #pending: ReadonlyMap<number, PendingRequest>;
  readonly #stallTimeoutMs: number;
  readonly #now: () => number;
  readonly #expired: (error: CopyError) => void;
  #lastActivity = 0;
  #slowCount = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = 0;
  #check: NodeJS.Immediate | undefined;

  /** @param pending oldest first; kept up to date by its owner */
  constructor(
    pending: ReadonlyMap<number, PendingRequest>,
    stallTimeoutMs: number,
    now: () => number,
    expired: (error: CopyError) => void,
  ) {
    this.#pending = pending;
    this.#stallTimeoutMs = stallTimeoutMs;
    this.#now = now;
    this.#expired = expired;
  }

  /** Bytes came, or were taken by the other side. */
  activity(): void {
    this.#lastActivity = this.#now();
  }

  /** To be called when a request has been put into the map. */
  begun(request: PendingRequest): void {
    if (request.slowMs > 0) this.#slowCount++;
    if (this.#pending.size > 1) return;
    this.activity();
    this.#oldestChanged();
  }

  /** To be called when a request has been taken out of the map. */
  settled(request: PendingRequest): void {
    if (this.#pending.size === 0) {
      this.stop();
    } else if (this.#slowCount > 0) {
      if (request.slowMs > 0) this.#slowCount--;
      this.#oldestChanged();
    }
  }

  /** No deadline any more; the map is taken to be empty. */
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

  #oldestChanged(): void {
    const oldest = this.#oldest();
    if (oldest !== undefined && oldest.slowMs > 0) oldest.oldestSince ??= this.#now();
    this.#arm();
  }

  #deadline(): number {
    const oldest = this.#oldest();
    if (oldest?.oldestSince !== undefined) return oldest.oldestSince + oldest.slowMs;
    return this.#lastActivity + this.#stallTimeoutMs;
  }

  /** Sees to it that the timer goes off no later than the deadline; it may go off earlier, to look and be set anew. */
  #arm(): void {
    const deadline = this.#deadline();
    if (this.#timer !== undefined && this.#timerAt <= deadline) return;
    clearTimeout(this.#timer);
    this.#timerAt = deadline;
    const delay = Math.ceil(Math.max(1, deadline - this.#now()));
    this.#timer = setTimeout(this.#look, Math.min(delay, maxTimerMs));
    this.#timer.unref();
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    if (this.#now() < this.#deadline()) {
      this.#arm();
      return;
    }
    // After a sleep of the machine or a long task the bytes may lie in the socket: let them be read first.
    this.#check = setImmediate(this.#judge);
  };

  readonly #judge = (): void => {
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
    this.#expired(new CopyError('connection-stalled', `${what} for ${seconds} s.`));
  };
}
