/**
 * Decides when to start another thread: when all threads are busy, a core is free, and there are connections to move to
 * it.
 */

/** A thread is busy when its event loop is active for this share of the time. */
const BUSY = 0.9;
/** At least this many cores must be idle. */
const FREE_CORES = 0.5;
/** So many samples in a row must agree, because the load of a handshake is too short to start a thread for it. */
const SAMPLES = 3;

export interface LoadSample {
  /** For each thread, the share of the time since the last sample in which its event loop was busy, 0 to 1. */
  readonly busy: readonly number[];
  /** Cores that were idle in that time. */
  readonly idleCores: number;
  /** How many threads would have work: this one, and one for each connection that may move. */
  readonly useful: number;
}

export class ThreadNeed {
  readonly #cores: number;
  #inARow = 0;

  /** `cores`: how many the process may use. There are never more threads than that. */
  constructor(cores: number) {
    this.#cores = cores;
  }

  /** Takes a sample. Returns whether a thread is to be started now. */
  isGrowing({ busy, idleCores, useful }: LoadSample): boolean {
    const hasRoom = busy.length < Math.min(this.#cores, useful);
    const isNeeded = hasRoom && idleCores >= FREE_CORES && busy.every((share) => share >= BUSY);
    this.#inARow = isNeeded ? this.#inARow + 1 : 0;
    if (this.#inARow < SAMPLES) return false;
    this.#inARow = 0;
    return true;
  }
}
