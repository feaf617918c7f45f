import { CopyError } from '../../../errors.ts';
import { type Deferred, deferred } from '../../../util/deferred.ts';
import type { Credential } from './credential.ts';

/** The turn of one connection to show a credential. */
export interface CredentialTurn {
  /** Show what let another one in, or be let in anew, as the first one was. */
  readonly kind: 'replay' | 'anew';
  /**
   * To be called once. `refused`: the server said no; `cut`: it was shown, and the line ended before the server answered;
   * `undefined`: nothing was shown.
   */
  end(outcome: 'accepted' | 'refused' | 'cut' | undefined): void;
}

/** A server may hang up instead of refusing: from this many cuts in a row on, answers count as refused. */
const MAX_CUTS = 2;

/**
 * Whether what let the first connection in may be shown again. Answers to a server's questions, and passwords, may be
 * good for one time only, and a server may lock an account after a few wrong ones. Therefore one further connection shows
 * them first, alone; the others wait. If it is refused, none shows them again: those that wait fail, and so does every
 * later one as long as a connection is open. When none is, one is let in anew. Keys may always be shown.
 */
export class CredentialReuse {
  /** `unproven`: no further connection was let in by it yet. */
  #known: 'reusable' | 'unproven' | 'refused' = 'unproven';
  /** Whether answers to questions of the server are part of the credential. */
  #isAnswered = false;
  #cuts = 0;
  /** Settles when the one whose turn it is has come to its end. */
  #busy: Deferred<void> | undefined;

  /** Whether it was refused to a further connection. */
  get isRefused(): boolean {
    return this.#known === 'refused';
  }

  /** The first connection, or one that was let in anew, is in by `credential`. */
  settle(credential: Credential): void {
    this.#isAnswered = credential.some(({ method }) => method === 'keyboard-interactive');
    const isSecret = this.#isAnswered || credential.some(({ method }) => method === 'password');
    if (this.#known === 'unproven' && !isSecret) this.#known = 'reusable';
  }

  /**
   * Resolves when the caller may go on.
   *
   * @throws {CopyError} `credential-not-reusable`
   */
  async turn(isAnyOpen: () => boolean): Promise<CredentialTurn> {
    while (this.#known !== 'reusable' && this.#busy !== undefined) await this.#busy.promise;
    if (this.#known === 'reusable') return { kind: 'replay', end: (outcome) => this.#learn(outcome) };
    if (this.#known === 'refused' && isAnyOpen()) throw notReusable();
    const busy = deferred<void>();
    this.#busy = busy;
    return {
      kind: this.#known === 'refused' ? 'anew' : 'replay',
      end: (outcome) => {
        this.#learn(outcome);
        this.#busy = undefined;
        busy.resolve();
      },
    };
  }

  #learn(outcome: 'accepted' | 'refused' | 'cut' | undefined): void {
    if (outcome === undefined) return;
    this.#cuts = outcome === 'cut' ? this.#cuts + 1 : 0;
    if (outcome === 'accepted' && this.#known === 'unproven') this.#known = 'reusable';
    // A password that was accepted again and is refused now is no one-time code: the server is full, or out of order.
    const isRefused = outcome === 'refused' && (this.#known === 'unproven' || this.#isAnswered);
    if (isRefused || (this.#isAnswered && this.#cuts >= MAX_CUTS)) this.#known = 'refused';
  }
}

export function notReusable(): CopyError {
  return new CopyError(
    'credential-not-reusable',
    'The server did not accept on a further connection what let the first one in, as with one-time codes.',
  );
}
