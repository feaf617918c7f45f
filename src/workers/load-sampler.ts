/**
 * Samples twice a second how busy the event loops of the threads are and how many cores are idle, and tells when
 * another thread is needed. A thread that is sampled for the first time counts as not busy, because its load since then
 * is not known.
 */
import { cpus } from 'node:os';
import type { LoadSample } from './thread-need.ts';

const SAMPLE_MS = 500;

type Utilization = ReturnType<typeof performance.eventLoopUtilization>;

export interface SampledThread {
  /** How much of the time since its start the event loop of the thread was busy. */
  utilization(): Utilization;
}

export interface LoadSamplerOptions {
  /** The threads beside this one. The set may change. */
  readonly others: ReadonlySet<SampledThread>;
  /** See {@link LoadSample}. */
  readonly useful: () => number;
  /** Whether another thread is to be started after this sample. */
  readonly isGrowing: (sample: LoadSample) => boolean;
  /** Another thread is to be started now. */
  readonly onNeeded: () => void;
}

const thisThread: SampledThread = { utilization: () => performance.eventLoopUtilization() };

export class LoadSampler {
  readonly #options: LoadSamplerOptions;
  readonly #timer: NodeJS.Timeout;
  /** The utilization of each thread at the last sample. */
  readonly #before: WeakMap<SampledThread, Utilization> = new WeakMap();
  #idleBefore: { readonly idleMs: number; readonly atMs: number } = idleTime();

  constructor(options: LoadSamplerOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#timer.unref();
  }

  /** No more samples are taken. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    const { others, useful, isGrowing, onNeeded } = this.#options;
    const busy = [thisThread, ...others].map((thread) => this.#busy(thread));
    const idle = idleTime();
    const idleCores = (idle.idleMs - this.#idleBefore.idleMs) / Math.max(1, idle.atMs - this.#idleBefore.atMs);
    this.#idleBefore = idle;
    if (isGrowing({ busy, idleCores, useful: useful() })) onNeeded();
  }

  #busy(thread: SampledThread): number {
    const loop = thread.utilization();
    const before = this.#before.get(thread);
    this.#before.set(thread, loop);
    if (before === undefined) return 0;
    const active = loop.active - before.active;
    return active / Math.max(1, active + loop.idle - before.idle);
  }
}

/** The idle time of all cores together since the machine started. */
function idleTime(): { readonly idleMs: number; readonly atMs: number } {
  return { idleMs: cpus().reduce((sum, { times }) => sum + times.idle, 0), atMs: performance.now() };
}
