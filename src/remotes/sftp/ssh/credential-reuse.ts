import { CopyError } from '../../../errors.ts';
import { type Deferred, deferred } from '../../../util/deferred.ts';
import type { Credential } from './credential.ts';

/** The permission for one connection to send a credential. */
export interface CredentialTurn {
  /** `replay`: send the credential of the first connection; `anew`: find one out, as the first connection did. */
  readonly kind: 'replay' | 'anew';
  /**
   * To be called once. `refused`: the server refused the credential, or nobody gave one; `cut`: it was sent, and the
   * connection ended before the server answered; `undefined`: nothing was sent.
   * @param isConfirmed whether a person most likely had to confirm that
   */
  end(outcome: 'accepted' | 'refused' | 'cut' | undefined, isConfirmed?: boolean): void;
}

/** A server may hang up instead of refusing: after this many cuts in a row, answers count as refused. */
const MAX_CUTS = 2;

/**
 * Decides whether further connections may send the credential of the first connection. Answers to questions of a
 * server, and passwords, may be valid only once (one-time codes), and a server may lock an account after a few wrong
 * ones. Keys may always be used again.
 *
 * States of the credential:
 *
 * - `unproven`: one further connection may send it; the others wait for the result.
 * - `reusable`: all connections may send it.
 * - `refused`: no connection sends it any more. Those that wait fail, and so do later ones as long as a connection is
 *   open. When none is open, one connection may find out a new credential. Where the user wants to be asked for each
 *   connection, the others may too, one after another, until one of them gets no answer that is right.
 */
export class CredentialReuse {
  #state: 'reusable' | 'unproven' | 'refused' = 'unproven';
  /** Whether answers to questions of the server are part of the credential. */
  #isAnswered = false;
  #cuts = 0;
  readonly #asksForEach: boolean;
  /** Whether a further connection was asked for and not let in. */
  #isDeclined = false;
  /** Whether a person had to confirm the last login, which an agent may ask for only once. */
  #isConfirmed = false;
  /** Settles when the turn in progress has ended. */
  #busy: Deferred<void> | undefined;

  /** @param asksForEach whether the user may be asked for each connection */
  constructor(asksForEach = false) {
    this.#asksForEach = asksForEach;
  }

  /** Whether all connections may send the credential. */
  get isReusable(): boolean {
    return this.#state === 'reusable';
  }

  /** Whether the credential was refused to a further connection. */
  get isRefused(): boolean {
    return this.#state === 'refused';
  }

  /**
   * The first connection, or one with a turn of kind `anew`, has logged in with `credential`.
   * @param isConfirmed whether a person had to confirm that
   */
  settle(credential: Credential, isConfirmed = false): void {
    this.#isConfirmed = isConfirmed && !this.#asksForEach;
    this.#isAnswered = credential.some(({ method }) => method === 'keyboard-interactive');
    const isSecret = this.#isAnswered || credential.some(({ method }) => method === 'password');
    if (this.#state === 'unproven' && !isSecret && !this.#isConfirmed) this.#state = 'reusable';
  }

  /**
   * Resolves when the caller may send a credential. The wait ends with the turns before it, each of which has a
   * deadline.
   * @throws {CopyError} `credential-not-reusable`: when the credential was refused and a connection is open
   */
  async turn(isAnyOpen: () => boolean): Promise<CredentialTurn> {
    while (this.#state !== 'reusable' && this.#busy !== undefined) await this.#busy.promise;
    if (this.#state === 'reusable') return { kind: 'replay', end: (outcome) => this.#learn(outcome, false) };
    if (isAnyOpen()) this.expectReusable();
    const busy = deferred<void>();
    this.#busy = busy;
    const kind = this.#state === 'refused' ? 'anew' : 'replay';
    return {
      kind,
      end: (outcome, isConfirmed = false) => {
        if (kind === 'anew' && outcome === 'refused') this.#isDeclined = true;
        this.#learn(outcome, isConfirmed);
        this.#busy = undefined;
        busy.resolve();
      },
    };
  }

  /** @throws {CopyError} `credential-not-reusable`: no further connection may be opened beside one that is open */
  expectReusable(): void {
    if (this.#state === 'refused' && (!this.#asksForEach || this.#isDeclined)) throw notReusable(this.#isConfirmed);
  }

  #learn(outcome: 'accepted' | 'refused' | 'cut' | undefined, isConfirmed: boolean): void {
    if (outcome === undefined) return;
    this.#cuts = outcome === 'cut' ? this.#cuts + 1 : 0;
    if (outcome === 'accepted' && this.#state === 'unproven') {
      this.#state = this.#isConfirmed && isConfirmed ? 'refused' : 'reusable';
    }
    // A password that was accepted before is not a one-time code. Where it is refused now, the server has another
    // problem.
    const isRefused = outcome === 'refused' && (this.#state === 'unproven' || this.#isAnswered);
    if (isRefused || (this.#isAnswered && this.#cuts >= MAX_CUTS)) this.#state = 'refused';
  }
}

/**
 * For a connection that is about to be opened: it would fail with this error only after the key exchange.
 * @throws {CopyError} `credential-not-reusable`: the credential of the open connections is good for no other one
 */
export function expectReusable({ reuse, open }: { readonly reuse: CredentialReuse; readonly open: number }): void {
  if (open > 0) reuse.expectReusable();
}

/** @param isConfirmed whether a person had to confirm the first login */
export function notReusable(isConfirmed = false): CopyError {
  const message = isConfirmed
    ? 'The agent took long to sign, as where a person has to confirm it or to touch a key.'
    : 'The server did not accept on a further connection what let the first one in, as with one-time codes.';
  return new CopyError('credential-not-reusable', message, {
    advice: 'Use a key that every connection may show; or ask for a number of connections (-n), each with a question.',
  });
}
