/** The requests of one call that are in flight, and the first failure of the call. */
export class InFlightRequests {
  readonly #requests: Set<Promise<void>> = new Set();
  #failure: { readonly error: unknown } | undefined;

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /** @param request resolves when the request has ended, and never rejects: failures are reported by {@link fail} */
  add(request: Promise<void>): void {
    this.#requests.add(request);
    void request.then(() => this.#requests.delete(request));
  }

  /** Waits until no request is in flight any more. Then rejects with the first failure, if there is one. */
  async allSettled(): Promise<void> {
    await Promise.all(this.#requests);
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
