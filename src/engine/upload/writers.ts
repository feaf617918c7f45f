/** What is known, for a whole run, of how many connections may write one file. */
export type WriterCount = 'many' | 'one' | 'unknown';

export class Writers {
  /** Whether it is being found out. */
  isProbing = false;
  #known: WriterCount = 'unknown';
  readonly #listeners: Set<() => void> = new Set();
  readonly #onDecided: (known: WriterCount, reason: string | undefined) => void;

  /** `onDecided` is called when the answer changes, after all who {@link subscribe}d. */
  constructor(onDecided: (known: WriterCount, reason: string | undefined) => void) {
    this.#onDecided = onDecided;
  }

  get known(): WriterCount {
    return this.#known;
  }

  /** `listener` is called when the answer changes, until the function is called that is returned. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Once it is `one` it stays: the server has shown that it does not keep what several write. */
  decide(writers: 'many' | 'one', reason?: string): void {
    if (this.#known === writers || this.#known === 'one') return;
    this.#known = writers;
    for (const listener of this.#listeners) listener();
    this.#onDecided(writers, reason);
  }
}
