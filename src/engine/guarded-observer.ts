/**
 * Protects a run from failures of an observer. An observer is code of the library's user. What it throws would end the
 * copy, and a promise that it rejects would end the whole program as an unhandled rejection.
 *
 * After its first failure, the observer is not called again, because its state is unknown. The copy continues.
 */
import type { Observer, TransferEvent } from './events.ts';

export class GuardedObserver {
  readonly #observer: Observer | undefined;
  readonly #onFailure: (error: unknown) => void;
  #failure: { readonly error: unknown } | undefined;

  /** `onFailure` is called at most once. */
  constructor(observer: Observer | undefined, onFailure: (error: unknown) => void) {
    this.#observer = observer;
    this.#onFailure = onFailure;
  }

  /** What the observer threw, or what its promise was rejected with; undefined: it has not failed. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Never throws. */
  readonly observe = (event: TransferEvent): void => {
    if (this.#failure !== undefined) return;
    try {
      // The promise of an asynchronous observer is not awaited, but its rejection is a failure too.
      const returned: unknown = this.#observer?.(event);
      if (returned instanceof Promise) returned.catch((error: unknown) => this.#failed(error));
    } catch (error) {
      this.#failed(error);
    }
  };

  #failed(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#onFailure(error);
  }
}

/** Emits a warning of the process, which Node prints unless the program handles warnings itself. */
export function warnOfObserver(error: unknown): void {
  const detail = error instanceof Error ? error.stack : String(error);
  process.emitWarning('onEvent failed and is not called again; the copy continues.', {
    type: 'MtCopyWarning',
    ...(detail !== undefined && { detail }),
  });
}
