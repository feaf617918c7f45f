/**
 * The bytes of one task that are left to take. They are handed out in slices, as the rate limit allows, and may be cut
 * short.
 */
import type { CopyError } from '../../errors.ts';
import type { Range, Slices } from '../../remotes/remote.ts';
import { type Counters, LIMIT_POLL_MS } from './counters.ts';

export class TaskSlices implements Slices {
  readonly connection: number;
  readonly #counters: Counters;
  readonly #onTaken: () => void;
  readonly #offset: number;
  #next: number;
  #end: number;
  #isFinished = false;
  #failure: CopyError | undefined;

  /** `onTaken` is called once, when nothing is left to take. */
  constructor(range: Range, connection: number, counters: Counters, onTaken: () => void) {
    this.#offset = range.offset;
    this.#next = range.offset;
    this.#end = range.offset + range.length;
    this.connection = connection;
    this.#counters = counters;
    this.#onTaken = onTaken;
  }

  take(maxLength: number): Range | undefined | Promise<Range | undefined> {
    const taken = this.#takeNow(maxLength);
    return taken === 'wait' ? this.#takeLater(maxLength) : taken;
  }

  /** Bytes that were handed out. */
  get taken(): number {
    return this.#next - this.#offset;
  }

  /** Hands out nothing more: every later {@link take}, and one that is waiting, fails with `error`. */
  fail(error: CopyError): void {
    this.#failure ??= error;
  }

  /**
   * Keeps at most `length` bytes, but never fewer than were taken. `onShortened` is called with the number of bytes
   * that are kept, before `onTaken` if no more are left.
   */
  shorten(length: number, onShortened: (kept: number) => void): void {
    const end = Math.max(this.#next, this.#offset + length);
    if (end < this.#end) this.#end = end;
    onShortened(this.#end - this.#offset);
    if (this.#next >= this.#end) this.#finish();
  }

  #takeNow(maxLength: number): Range | undefined | 'wait' {
    if (this.#failure !== undefined) throw this.#failure;
    const length = Math.min(maxLength, this.#end - this.#next);
    if (length <= 0) return this.#finish();
    if (!this.#counters.tryTake(length)) return 'wait';
    const range = { offset: this.#next, length };
    this.#next += length;
    this.#counters.addInFlight(this.connection, length);
    if (this.#next === this.#end) this.#finish();
    return range;
  }

  async #takeLater(maxLength: number): Promise<Range | undefined> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, LIMIT_POLL_MS));
      const taken = this.#takeNow(maxLength);
      if (taken !== 'wait') return taken;
    }
  }

  #finish(): undefined {
    if (!this.#isFinished) {
      this.#isFinished = true;
      this.#onTaken();
    }
    return undefined;
  }
}
