/** The requests of one call that are under way, and its first failure. */
export class InFlightRequests {
  readonly #requests: Set<Promise<void>> = new Set();
  #failure: { readonly error: unknown } | undefined;

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /** @param answered settles when the request is over, and never rejects: a failure is told by {@link fail} */
  add(answered: Promise<void>): void {
    this.#requests.add(answered);
    void answered.then(() => this.#requests.delete(answered));
  }

  /** Resolves when nothing is under way any more; rejects with the first failure. */
  async landed(): Promise<void> {
    await Promise.all(this.#requests);
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
