/**
 * Runs tasks, at most so many at a time. The first failure is that of the group; the others still run, and their
 * failures are dropped, because what ends one of them ends the run.
 */
export class TaskGroup {
  readonly #limit: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  #onIdle: (() => void)[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves when the task was begun, which may have to wait. */
  async add(work: () => Promise<void>): Promise<void> {
    if (this.#running < this.#limit) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    void this.#run(work);
  }

  /** Begins the task at once, unless there are too many. */
  tryAdd(work: () => Promise<void>): boolean {
    if (this.#running >= this.#limit) return false;
    this.#running++;
    void this.#run(work);
    return true;
  }

  /**
   * Resolves when no task is running and none waits.
   * @throws the first failure of a task
   */
  async ended(): Promise<void> {
    while (this.#running > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** The task counts as running already. One that waits takes the place of one that has ended, and counts at once. */
  async #run(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
      if (this.#running === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
    }
  }
}
