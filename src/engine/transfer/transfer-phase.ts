/**
 * Whether a file job is transferring, and what ends that.
 *
 * - idle: the file is being staged, committed or given up. Failures have no effect here; whoever is at work reports them.
 * - transferring: until everything is acknowledged and verified, or something fails.
 * - interrupted: between two phases of transferring with the same staged file. A failure is kept for the next phase.
 */
import { type Deferred, deferred } from '../../util/deferred.ts';
import { Interrupted, StartOver } from './interruption.ts';

export class TransferPhase {
  #end: Deferred<void> | undefined;
  #isInterrupted = false;
  /** What failed during an interruption. */
  #failure: unknown;

  get isTransferring(): boolean {
    return this.#end !== undefined;
  }

  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  /** Whether the file is being transferred, or is about to continue. */
  get isOngoing(): boolean {
    return this.isTransferring || this.#isInterrupted;
  }

  /** Another staged file begins: what failed before does not concern it. */
  restart(): void {
    this.#failure = undefined;
  }

  /** Begins to transfer. The caller awaits {@link ended} at once. */
  begin(): void {
    this.#end = deferred();
    this.#isInterrupted = false;
    if (this.#failure !== undefined) this.#end.reject(this.#failure);
  }

  /**
   * Resolves when everything is transferred; rejects with what ended it before. The phase is idle then, or interrupted: at
   * once, because a check of what was transferred ends for good when it finds the phase idle.
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

  /** Ends the transferring, if it is under way. */
  stop(error: unknown): void {
    this.#end?.reject(error);
  }

  /** Ends the transferring, also if it is interrupted now. */
  fail(error: unknown): void {
    if (this.#end !== undefined) this.#end.reject(error);
    else if (this.#isInterrupted) this.#failure ??= error;
  }
}
