/** Whether many connections may write one file. What one file shows counts for the whole run. */
export type WriterCount = 'many' | 'one' | 'unknown';

export class Writers {
  /** Whether a file is being probed to find it out. */
  isProbing = false;
  #known: WriterCount = 'unknown';
  readonly #listeners: Set<() => void> = new Set();
  readonly #onDecided: (known: WriterCount, reason: string | undefined) => void;

  /** `onDecided` is called when the answer changes, after all listeners of {@link subscribe}. */
  constructor(onDecided: (known: WriterCount, reason: string | undefined) => void) {
    this.#onDecided = onDecided;
  }

  get known(): WriterCount {
    return this.#known;
  }

  /** `listener` is called when the answer changes, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The answer `one` is final: the server has shown that it does not keep what several connections write. */
  decide(writers: 'many' | 'one', reason?: string): void {
    if (this.#known === writers || this.#known === 'one') return;
    this.#known = writers;
    for (const listener of this.#listeners) listener();
    this.#onDecided(writers, reason);
  }
}
