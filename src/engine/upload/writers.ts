/** What is known, for a whole run, of how many connections may write one file. */
export class Writers {
  /** Whether somebody is finding it out. */
  probing = false;
  #known: 'many' | 'one' | 'unknown' = 'unknown';
  readonly #decided: (reason: string | undefined) => void;

  /** `decided` is called when the answer changes. */
  constructor(decided: (reason: string | undefined) => void) {
    this.#decided = decided;
  }

  get known(): 'many' | 'one' | 'unknown' {
    return this.#known;
  }

  /** Once it is `one` it stays: the server has shown that it does not keep what several write. */
  decide(writers: 'many' | 'one', reason?: string): void {
    if (this.#known === writers || this.#known === 'one') return;
    this.#known = writers;
    this.#decided(reason);
  }
}
