/**
 * The clock of the programs under test, in virtual time: `setTimeout`, `setInterval`, `performance.now`, `Date.now`,
 * `AbortSignal.timeout` and `Math.random` are replaced while it is installed. What is not planned through these
 * functions (the server, the network) plans its steps with {@link VirtualTime} itself, and so outlives {@link
 * ClientClock.forgetTimers}.
 */
import { seeded } from '../seeded.ts';
import { VirtualTime } from '../virtual-time.ts';

/** What `Date.now` says when the virtual time is 0. */
const BEGIN_MS = Date.UTC(2030, 0, 1);

class Timer {
  readonly #clock: ClientClock;
  readonly #run: () => void;
  readonly #everyMs: number | undefined;

  constructor(clock: ClientClock, run: () => void, delayMs: number, everyMs?: number) {
    this.#clock = clock;
    this.#run = run;
    this.#everyMs = everyMs;
    this.#plan(delayMs);
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  #plan(delayMs: number): void {
    this.#clock.time.at(this.#clock.time.nowMs + Math.max(1, delayMs), () => {
      if (!this.#clock.timers.has(this)) return;
      if (this.#everyMs === undefined) this.#clock.timers.delete(this);
      else this.#plan(this.#everyMs);
      this.#run();
    });
  }
}

export class ClientClock {
  readonly time: VirtualTime = new VirtualTime();
  /** Planned, and not run or cleared. */
  readonly timers: Set<unknown> = new Set();
  /** Of `AbortSignal.timeout`. */
  readonly #signals: Set<AbortController> = new Set();
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  /** What a process that was killed had planned never happens. */
  forgetTimers(): void {
    this.timers.clear();
    this.#signals.clear();
  }

  /** Returns what brings the real clock back. */
  install(): () => void {
    const { time, timers } = this;
    const signals = this.#signals;
    const start = (run: () => void, delayMs: number, everyMs?: number): Timer => {
      const timer = new Timer(this, run, delayMs, everyMs);
      timers.add(timer);
      return timer;
    };
    const clear = (timer: unknown): void => void timers.delete(timer);
    const replaced = [
      replace(globalThis, 'setTimeout', (run: (...args: unknown[]) => void, delayMs = 0, ...args: unknown[]) =>
        start(() => run(...args), delayMs),
      ),
      replace(globalThis, 'setInterval', (run: () => void, everyMs: number) => start(run, everyMs, everyMs)),
      replace(globalThis, 'clearTimeout', clear),
      replace(globalThis, 'clearInterval', clear),
      replace(performance, 'now', () => time.nowMs),
      replace(Date, 'now', () => BEGIN_MS + time.nowMs),
      replace(Math, 'random', this.#random),
      replace(AbortSignal, 'timeout', (delayMs: number) => {
        const late = new AbortController();
        // Nobody can clear it: it is no timer that anybody forgot.
        signals.add(late);
        time.at(time.nowMs + delayMs, () => {
          if (signals.delete(late)) late.abort(new DOMException('Late.', 'TimeoutError'));
        });
        return late.signal;
      }),
    ];
    return () => {
      for (const restore of replaced) restore();
    };
  }
}

function replace(owner: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  return () => {
    if (before === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, before);
  };
}
