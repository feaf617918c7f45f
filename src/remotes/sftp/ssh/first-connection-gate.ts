/** Lets one connection determine host key and credential, while the others wait for it. */
import { CopyError } from '../../../errors.ts';

/** `first`: decides, and asks the user if necessary. `follower`: does the same as the first one. */
export type Role = 'first' | 'follower';

type Step = 'host-key' | 'credential';

interface Waiter {
  readonly pass: GatePass;
  readonly step: Step;
  readonly resolve: (role: Role) => void;
}

/** The membership of a connection, from the beginning of its attempt until it is open or has failed. */
export interface GatePass {
  /** Resolves when this connection may continue with `step`. Never settles if the connection was told to fail. */
  turn(step: Step): Promise<Role>;
  /** To be called by the first connection: the others may check their host keys now. */
  hostKeyAccepted(): void;
  /**
   * To be called by the first connection when the server has let it in with a credential that may be used again, such
   * as a key: the others may send it now. Otherwise they may when the first connection leaves without an error.
   */
  credentialAccepted(): void;
  /**
   * Ends the membership. If the first connection leaves with an error that ends the run, all fail with it; otherwise
   * another connection becomes the first. Returns the error to report: `error`, or an error of scope `run` after the
   * last cut.
   */
  leave(error?: CopyError): CopyError | undefined;
}

/** How often in a row the connection may be cut while a first connection authenticates. */
const MAX_CUT_LOGINS = 5;
/** The pause after the first of these cuts. It doubles with each further one. */
const CUT_LOGIN_PAUSE_MS = 1000;

/**
 * Orders the steps of connections that are opened at the same time. All may do TCP and key exchange at once. They may
 * check their host key when the first connection has accepted one. They may send a key when the first connection was let
 * in with it, and any other secret when the first connection is open.
 *
 * States: one connection is first and the others wait; the host key is accepted; the credential is accepted; settled,
 * after which all are followers.
 *
 * A server may hang up instead of refusing, and may count attempts. Therefore, each time the connection is cut while
 * the first one authenticates, the next attempt waits twice as long, and after the fifth cut in a row the run ends.
 */
export class FirstConnectionGate {
  readonly #passes = new Map<GatePass, (error: CopyError) => void>();
  #waiters: Waiter[] = [];
  #first: GatePass | undefined;
  #isHostKeyAccepted = false;
  #isCredentialAccepted = false;
  #isSettled = false;
  #cutLogins = 0;
  #pause: NodeJS.Timeout | undefined;

  /** @param fail called at most once, when the first connection has failed with an error that ends the run */
  enter(fail: (error: CopyError) => void): GatePass {
    const pass: GatePass = {
      turn: (step) =>
        new Promise((resolve) => {
          this.#waiters.push({ pass, step, resolve });
          this.#wake();
        }),
      hostKeyAccepted: () => {
        this.#isHostKeyAccepted = true;
        this.#wake();
      },
      credentialAccepted: () => {
        this.#isCredentialAccepted = true;
        this.#wake();
      },
      leave: (error) => this.#leave(pass, error),
    };
    if (!this.#isSettled && this.#passes.size === 0) this.#first = pass;
    this.#passes.set(pass, fail);
    return pass;
  }

  /** To be called when host key and credential are known: from then on, all connections are followers. */
  settle(): void {
    this.#isSettled = true;
    this.#first = undefined;
    this.#wake();
  }

  #leave(pass: GatePass, error: CopyError | undefined): CopyError | undefined {
    if (!this.#passes.delete(pass)) return error;
    this.#waiters = this.#waiters.filter((waiter) => waiter.pass !== pass);
    let reason = error;
    if (pass === this.#first) {
      this.#first = undefined;
      if (error === undefined) this.#isSettled = true;
      else if (error.code === 'authentication-lost') reason = this.#cutLogin(error);
      // A connection that was cancelled says nothing about the others.
      if (reason?.scope === 'run' && reason.code !== 'cancelled') this.#failAll(reason);
    }
    if (this.#passes.size === 0) this.#resume();
    this.#wake();
    return reason;
  }

  #cutLogin(error: CopyError): CopyError {
    this.#resume();
    if (++this.#cutLogins < MAX_CUT_LOGINS) {
      const pauseMs = CUT_LOGIN_PAUSE_MS * 2 ** (this.#cutLogins - 1);
      this.#pause = setTimeout(() => {
        this.#resume();
        this.#wake();
      }, pauseMs);
      return error;
    }
    this.#cutLogins = 0;
    const message = `The connection was cut ${MAX_CUT_LOGINS} times in a row during authentication. ${error.message}`;
    return new CopyError(error.code, message, { cause: error, scope: 'run', retry: false, advice: error.advice });
  }

  #resume(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
  }

  #failAll(error: CopyError): void {
    const failures = [...this.#passes.values()];
    this.#passes.clear();
    this.#waiters = [];
    for (const fail of failures) fail(error);
  }

  #wake(): void {
    if (!this.#isSettled) this.#first ??= this.#waiters[0]?.pass;
    const ready = ({ pass, step }: Waiter): boolean => {
      const isAccepted = step === 'host-key' ? this.#isHostKeyAccepted : this.#isCredentialAccepted;
      if (this.#isSettled || isAccepted) return true;
      return pass === this.#first && (step === 'host-key' || this.#pause === undefined);
    };
    const woken = this.#waiters.filter(ready);
    this.#waiters = this.#waiters.filter((waiter) => !ready(waiter));
    for (const { pass, resolve } of woken) resolve(pass === this.#first ? 'first' : 'follower');
  }
}
