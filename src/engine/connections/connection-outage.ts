import { admissionDelayMs } from './retry-policy.ts';

/**
 * The time during which a run has no connection at all: when the next attempt is due, and when the run gives up. It
 * begins with the loss of the last connection, or with the first attempt that fails while no other is in progress, and
 * ends when a connection opens. Attempts are made one at a time and with growing pauses, because some servers ban
 * clients that connect often. The last attempt is made at the end of the time.
 */
export class ConnectionOutage {
  readonly retryForMs: number;
  #sinceMs: number | undefined;
  #failedAttempts = 0;
  #nextAttemptMs = 0;

  constructor(retryForMs: number) {
    this.retryForMs = retryForMs;
  }

  get isOn(): boolean {
    return this.#sinceMs !== undefined;
  }

  /** Attempts that have failed since it began. */
  get failedAttempts(): number {
    return this.#failedAttempts;
  }

  /** When the next attempt may be made, by `performance.now()`. */
  get nextAttemptMs(): number {
    return this.#nextAttemptMs;
  }

  begin(nowMs: number): void {
    this.#sinceMs ??= nowMs;
  }

  /** Returns the pause before the next attempt in milliseconds; undefined: the time to retry is over. */
  attemptFailed(nowMs: number): number | undefined {
    this.#sinceMs ??= nowMs;
    const leftMs = this.#sinceMs + this.retryForMs - nowMs;
    if (leftMs <= 0) return undefined;
    this.#failedAttempts++;
    const pauseMs = Math.min(leftMs, admissionDelayMs(this.#failedAttempts));
    this.#nextAttemptMs = nowMs + pauseMs;
    return pauseMs;
  }

  end(): void {
    this.#sinceMs = undefined;
    this.#failedAttempts = 0;
    this.#nextAttemptMs = 0;
  }
}
