interface Planned {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

function isBefore(one: Planned, other: Planned): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

/** A clock that jumps from one planned step to the next. Nothing in it depends on real time. */
export class VirtualTime {
  #nowMs = 0;
  #planned = 0;
  /** A binary heap: the next step is the first. */
  readonly #steps: Planned[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Steps of the same time run in the order in which they were planned. */
  at(atMs: number, run: () => void): void {
    const steps = this.#steps;
    const step = { atMs: Math.max(atMs, this.#nowMs), order: this.#planned++, run };
    let index = steps.push(step) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(step, steps[parent]!)) break;
      steps[index] = steps[parent]!;
      index = parent;
    }
    steps[index] = step;
  }

  /**
   * Runs step after step, and what waits for them in between, until there is none, the time is over, or `isOver` says
   * so.
   */
  async run(untilMs: number, isOver: () => boolean = () => false): Promise<void> {
    for (let next = this.#steps[0]; next !== undefined && next.atMs <= untilMs; next = this.#steps[0]) {
      if (isOver()) return;
      this.#nowMs = next.atMs;
      while (this.#steps[0]?.atMs === this.#nowMs) this.#shift().run();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #shift(): Planned {
    const steps = this.#steps;
    const first = steps[0]!;
    const last = steps.pop()!;
    const { length } = steps;
    if (length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= length) break;
      if (child + 1 < length && isBefore(steps[child + 1]!, steps[child]!)) child++;
      if (!isBefore(steps[child]!, last)) break;
      steps[index] = steps[child]!;
      index = child;
    }
    steps[index] = last;
    return first;
  }
}
