import type { Lane } from './lane.ts';
import type { ShapedPipe } from './shaped-pipe.ts';

/** Wakes pipes when their bytes are due: one timer for all of one direction. */
export class Pump {
  readonly shared: Lane;
  readonly #active = new Set<ShapedPipe>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(shared: Lane) {
    this.shared = shared;
  }

  wake(pipe: ShapedPipe): void {
    const now = performance.now();
    // Without a rate there is nobody to be fair to, and a timer would only cost speed.
    if (pipe.unlimited) pipe.pump(now);
    this.#active.add(pipe);
    this.#schedule(pipe.dueAt(now), now);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#active.clear();
  }

  #tick(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    if (this.shared.isUnlimited) for (const pipe of [...this.#active]) pipe.pump(now);
    else this.#takeTurns(now);
    let next = Number.POSITIVE_INFINITY;
    for (const pipe of this.#active) {
      const dueAt = pipe.dueAt(now);
      if (dueAt === Number.POSITIVE_INFINITY) this.#active.delete(pipe);
      next = Math.min(next, dueAt);
    }
    this.#schedule(next, now);
  }

  /** A portion each, in turn, so that no connection takes what all share. */
  #takeTurns(now: number): void {
    for (let progress = true; progress; ) {
      progress = false;
      for (const pipe of [...this.#active]) {
        if (pipe.pump(now, 1) === 0) continue;
        progress = true;
        // Who was served stands at the back of the line.
        this.#active.delete(pipe);
        this.#active.add(pipe);
      }
    }
  }

  #schedule(dueAt: number, now: number): void {
    if (dueAt >= this.#timerAt || dueAt === Number.POSITIVE_INFINITY) return;
    clearTimeout(this.#timer);
    this.#timerAt = dueAt;
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, dueAt - now));
  }
}
