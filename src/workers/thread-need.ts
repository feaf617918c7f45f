/** When another thread is worth it: all that run are busy, a core is free, and there are connections to give it. */

/** A thread is busy that has this share of its time no rest. */
const BUSY = 0.9;
/** Half a core that nobody uses. */
const FREE_CORES = 0.5;
/** In a row, so that the burst of a handshake starts nothing. */
const SAMPLES = 3;

export interface LoadSample {
  /** Of each thread: the share of the time since the last sample that its event loop was busy, 0 to 1. */
  readonly busy: readonly number[];
  /** Cores that were idle in that time. */
  readonly idleCores: number;
  /** For how many threads there are connections: this one has one for itself, each other one that may move. */
  readonly useful: number;
}

export class ThreadNeed {
  readonly #cores: number;
  #inARow = 0;

  /** `cores`: those the process may use; there are never more threads. */
  constructor(cores: number) {
    this.#cores = cores;
  }

  /** Takes a sample; whether a thread is to be started now. */
  isGrowing({ busy, idleCores, useful }: LoadSample): boolean {
    const hasRoom = busy.length < Math.min(this.#cores, useful);
    const isNeeded = hasRoom && idleCores >= FREE_CORES && busy.every((share) => share >= BUSY);
    this.#inARow = isNeeded ? this.#inARow + 1 : 0;
    if (this.#inARow < SAMPLES) return false;
    this.#inARow = 0;
    return true;
  }
}
