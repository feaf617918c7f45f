import type { Lane } from './lane.ts';
import type { ShapedPipe } from './shaped-pipe.ts';
import type { SharedQueue } from './shared-queue.ts';

/** Wakes pipes when their bytes are due: one timer for all of one direction. */
export class Pump {
  readonly shared: Lane;
  readonly queue: SharedQueue | undefined;
  readonly #all = new Set<ShapedPipe>();
  readonly #active = new Set<ShapedPipe>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  /** @param queue in which all wait for the shared lane; without one they take turns */
  constructor(shared: Lane, queue?: SharedQueue) {
    this.shared = shared;
    this.queue = queue;
  }

  wake(pipe: ShapedPipe): void {
    const now = performance.now();
    // Without a rate there is nobody to be fair to, and a timer would only cost speed.
    if (pipe.unlimited) pipe.pump(now);
    this.#active.add(pipe);
    if (this.queue !== undefined) this.#all.add(pipe);
    this.#schedule(pipe.dueAt(now), now);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#active.clear();
    this.#all.clear();
  }

  #tick(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    if (this.shared.isUnlimited) for (const pipe of [...this.#active]) pipe.pump(now);
    else if (this.queue === undefined) this.#takeTurns(now);
    else this.#serveQueue(now);
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

  /** A portion of whatever came first; then there may be room in the queue for more. */
  #serveQueue(now: number): void {
    for (let sent = 1; sent > 0; ) {
      let first: ShapedPipe | undefined;
      for (const pipe of this.#active) {
        if (pipe.waitsSince < (first?.waitsSince ?? Number.POSITIVE_INFINITY)) first = pipe;
      }
      sent = first?.pump(now, 1) ?? 0;
    }
    // An end is due without any bytes.
    for (const pipe of [...this.#active]) if (pipe.endsNext) pipe.pump(now, 1);
    for (const pipe of this.#all) {
      if (pipe.done) this.#all.delete(pipe);
      else pipe.flow();
    }
  }

  #schedule(dueAt: number, now: number): void {
    if (dueAt >= this.#timerAt || dueAt === Number.POSITIVE_INFINITY) return;
    clearTimeout(this.#timer);
    this.#timerAt = dueAt;
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, dueAt - now));
  }
}
