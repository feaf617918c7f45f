/**
 * The phase that a file job is in, and the end of the phase of transferring. The states:
 *
 * - idle: the file is being staged or committed, or has ended. {@link TransferPhase.stop} and `fail` have no effect,
 *   because the operation in progress reports its own failure
 * - transferring: until everything is acknowledged and verified, or something fails
 * - interrupted: between two phases of transferring with the same staged file; a failure is kept for the next of them
 */
import { type Deferred, deferred } from '../../util/deferred.ts';
import { Interrupted, StartOver } from './interruption.ts';

export class TransferPhase {
  #end: Deferred<void> | undefined;
  #isInterrupted = false;
  /** A failure during an interruption. */
  #failure: unknown;

  get isTransferring(): boolean {
    return this.#end !== undefined;
  }

  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  /** Whether the file is being transferred, or will continue after an interruption. */
  get isOngoing(): boolean {
    return this.isTransferring || this.#isInterrupted;
  }

  /** Another staged file begins: earlier failures do not concern it. */
  restart(): void {
    this.#failure = undefined;
  }

  /** The file is being transferred. The caller awaits {@link ended} at once. */
  begin(): void {
    this.#end = deferred();
    this.#isInterrupted = false;
    if (this.#failure !== undefined) this.#end.reject(this.#failure);
  }

  /**
   * Resolves when everything is transferred; rejects with what ended the phase before that. Then the phase is idle or,
   * after an interruption, interrupted without being idle in between: a check of claims that finds the phase idle would
   * end.
   */
  async ended(): Promise<void> {
    try {
      await this.#end?.promise;
    } catch (error) {
      this.#isInterrupted = error instanceof Interrupted && !(error instanceof StartOver);
      throw error;
    } finally {
      this.#end = undefined;
    }
  }

  setInterrupted(isInterrupted: boolean): void {
    this.#isInterrupted = isInterrupted;
  }

  /** Everything is transferred. */
  complete(): void {
    this.#end?.resolve();
  }

  /** Ends the phase of transferring with `error`, if the file is in that phase. */
  stop(error: unknown): void {
    this.#end?.reject(error);
  }

  /** Ends the phase of transferring with `error`; if the file is interrupted, the next such phase. */
  fail(error: unknown): void {
    if (this.#end !== undefined) this.#end.reject(error);
    else if (this.#isInterrupted) this.#failure ??= error;
  }
}
