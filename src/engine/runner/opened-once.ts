/** What a connection has open, by name: opened when it is first asked for, and shared by all who ask. */
export class OpenedOnce<T> {
  readonly #known: Map<string, Promise<T>> = new Map();

  /** What could not be opened is forgotten, so that it can be tried again. */
  get(name: string, open: () => Promise<T>): Promise<T> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const opening = open();
    this.#known.set(name, opening);
    opening.catch(() => {
      if (this.#known.get(name) === opening) this.#known.delete(name);
    });
    return opening;
  }

  has(name: string): boolean {
    return this.#known.has(name);
  }

  set(name: string, opened: T): void {
    this.#known.set(name, Promise.resolve(opened));
  }

  /** Forgets it and gives it away, if it was open, or was being opened. */
  take(name: string): Promise<T> | undefined {
    const known = this.#known.get(name);
    this.#known.delete(name);
    return known;
  }
}
