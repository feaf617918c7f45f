/**
 * Keeps the failures of an observer away from the run. An observer is the code of somebody else, called in the middle of
 * ours: what it throws would end the copy, or as an unhandled rejection the whole program.
 *
 * The first failure ends the observation: the observer is not called again, since its state is unknown, and the copy,
 * which may be hours old, continues.
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

  /** What the observer threw, or its promise was rejected with. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Never throws. */
  readonly observe = (event: TransferEvent): void => {
    if (this.#failure !== undefined) return;
    try {
      // Nobody waits for an asynchronous one, but its rejection is a failure too.
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

/** A warning of the process, as Node's own: printed once unless the program handles warnings otherwise. */
export function warnOfObserver(error: unknown): void {
  const detail = error instanceof Error ? error.stack : String(error);
  process.emitWarning('onEvent failed and is not called again; the copy continues.', {
    type: 'MtCopyWarning',
    ...(detail !== undefined && { detail }),
  });
}
