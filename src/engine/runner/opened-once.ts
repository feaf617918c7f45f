/** What a connection has open, by name. Each is opened when it is first asked for, and shared by all later callers. */
export class OpenedOnce<T> {
  readonly #known: Map<string, Promise<T>> = new Map();

  /** If it cannot be opened, the next call tries again. */
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

  /** Forgets what is open, or is being opened, and returns it, so that the caller can close it. */
  take(name: string): Promise<T> | undefined {
    const known = this.#known.get(name);
    this.#known.delete(name);
    return known;
  }
}
