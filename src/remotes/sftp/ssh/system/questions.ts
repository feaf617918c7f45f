/** Decides which of the ssh programs may ask the user. */
import { CopyError } from '../../../../errors.ts';
import { beforeAbort } from '../../../../util/before-abort.ts';
import { type Deferred, deferred } from '../../../../util/deferred.ts';

/** The permission for one connection to log in. */
export interface QuestionTurn {
  readonly mayAsk: boolean;
  /** To be called once. `refused`: the server did not let it in; undefined: it did not come to that. */
  readonly end: (outcome: 'let in' | 'refused' | undefined) => void;
}

/**
 * The first connection is let in without a question, or else it asks, unless nobody may be asked at all. If it had to,
 * the others would have to as well: they are not opened while it is open, unless the user wants to be asked for each.
 * Two never ask at the same time.
 *
 * States of the others: `unproven`, one of them tries to log in without a question, and the rest waits for it; `free`,
 * all are let in without a question; `asking`, each has to ask.
 */
export class Questions {
  readonly #mayAsk: boolean;
  readonly #asksForEach: boolean;
  #state: 'unproven' | 'free' | 'asking' = 'unproven';
  /** Whether each connection makes the user touch a key. */
  #isTouched = false;
  /** Whether a question of a further connection was not answered as it should be. */
  #isDeclined = false;
  #open = 0;
  /** Settles when a connection that others wait for has logged in or failed. */
  #busy: Deferred<void> | undefined;

  /**
   * @param mayAsk whether anybody may be asked
   * @param asksForEach whether the user wants to be asked for each connection
   */
  constructor(mayAsk: boolean, asksForEach: boolean) {
    this.#mayAsk = mayAsk;
    this.#asksForEach = mayAsk && asksForEach;
  }

  /** Whether a further connection may be let in without a question. */
  get mayBeFree(): boolean {
    return this.#state !== 'asking' && (!this.#isTouched || this.#asksForEach);
  }

  /** The first connection was let in without a question, or another thread has seen that. */
  settleFree(): void {
    this.#state = 'free';
  }

  /** The first connection had to ask for a password, a passphrase or the like. */
  settleAsked(): void {
    this.#state = 'asking';
  }

  /** Somebody has to touch a key. */
  onTouch(): void {
    this.#isTouched = true;
  }

  /** A connection is open until `closed` resolves. */
  onOpen(closed: Promise<unknown>): void {
    this.#open++;
    void closed.then(() => {
      this.#open--;
    });
  }

  /** @throws {CopyError} `credential-not-reusable`: a further connection would have to ask the user, and may not */
  expectRepeatable(): void {
    if (this.#open === 0) return;
    const isTouchedAgain = this.#isTouched && !this.#asksForEach;
    const isAskedAgain = this.#state === 'asking' && (!this.#asksForEach || this.#isDeclined);
    if (isTouchedAgain || isAskedAgain) throw asksAgain(this.#isTouched);
  }

  /**
   * Resolves when a further connection may log in. The wait ends with the connections before it, each of which has a
   * deadline or asks the user, and with `signal`.
   * @throws {CopyError} as {@link expectRepeatable}
   */
  async turn(signal: AbortSignal): Promise<QuestionTurn> {
    while (this.#state !== 'free' && this.#busy !== undefined && !signal.aborted) {
      await beforeAbort(this.#busy.promise, signal);
    }
    this.expectRepeatable();
    const mayAsk = this.#mayAsk && this.#state === 'asking';
    if (this.#state === 'free' || signal.aborted) return { mayAsk, end: () => {} };
    const busy = deferred<void>();
    this.#busy = busy;
    return {
      mayAsk,
      end: (outcome) => {
        if (this.#busy !== busy) return;
        if (outcome === 'refused' && mayAsk) this.#isDeclined = true;
        if (outcome === 'refused' && !mayAsk) this.#state = 'asking';
        if (outcome === 'let in' && !mayAsk) this.#state = 'free';
        this.#busy = undefined;
        busy.resolve();
      },
    };
  }

  /** What it means that a further connection was refused, which may have asked. */
  explain(error: CopyError, hasAsked: boolean): CopyError {
    if (!isRefusal(error)) return error;
    // It has let other connections in with the same key, so that it is most likely full.
    if (this.#state === 'free') {
      if (this.#open === 0 || error.code !== 'authentication-failed') return error;
      return new CopyError('connection-refused', error.message, { cause: error, retry: false });
    }
    const willAsk = this.#mayAsk && !hasAsked;
    return this.#open > 0 || willAsk ? asksAgain(false) : error;
  }
}

/** Whether ssh would have had to ask. */
export function isRefusal({ code }: CopyError): boolean {
  return code === 'authentication-failed' || code === 'host-key-unknown';
}

function asksAgain(isTouched: boolean): CopyError {
  const message = isTouched
    ? 'A key would have to be touched again for each further connection.'
    : 'ssh would ask again for each further connection.';
  return new CopyError('credential-not-reusable', message, {
    advice:
      'Put the key into an agent (ssh-add); or leave --ssh out, and you are asked once; or use -n, and be asked for each.',
  });
}
