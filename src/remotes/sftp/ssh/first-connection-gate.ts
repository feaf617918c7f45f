/**
 * Lets one connection settle host key and credential while the others do TCP and key exchange. They may check their host
 * key once one is accepted, and show a secret once the first is in. Where the line is cut while the first one
 * authenticates, the next attempt waits, ever longer, and the fifth cut in a row is the last: a server may hang up on
 * purpose, and counts attempts.
 */
import { CopyError } from '../../../errors.ts';

/** `first`: decide, and ask if need be. `follower`: do what the first one found right. */
export type Role = 'first' | 'follower';

type Step = 'host-key' | 'credential';

interface Waiter {
  readonly pass: GatePass;
  readonly step: Step;
  readonly resolve: (role: Role) => void;
}

/** What a connection holds from its beginning until it is open or has failed. */
export interface GatePass {
  /** Resolves when this connection may go on to `step`; never, if it is told to fail. */
  turn(step: Step): Promise<Role>;
  /** Only of use from the first: the others may go on to their host key check. */
  hostKeyAccepted(): void;
  /**
   * Ends the pass. If the first leaves with an error that ends the run, all fail with it; else another becomes first.
   * Returns the error to report: that of scope `run` which the last cut in a row makes of `error`, or `error` itself.
   */
  leave(error?: CopyError): CopyError | undefined;
}

/** How often in a row the line may be cut while a first connection authenticates. */
const MAX_CUT_LOGINS = 5;
/** The pause after the first of these; it doubles. */
const CUT_LOGIN_PAUSE_MS = 1000;

export class FirstConnectionGate {
  private readonly passes = new Map<GatePass, (error: CopyError) => void>();
  private waiters: Waiter[] = [];
  private first: GatePass | undefined;
  private hostKeyIsAccepted = false;
  private settled = false;
  private cutLogins = 0;
  private pause: NodeJS.Timeout | undefined;

  /** `fail` is called at most once, when the first connection failed for all. */
  enter(fail: (error: CopyError) => void): GatePass {
    const pass: GatePass = {
      turn: (step) =>
        new Promise((resolve) => {
          this.waiters.push({ pass, step, resolve });
          this.wake();
        }),
      hostKeyAccepted: () => {
        this.hostKeyIsAccepted = true;
        this.wake();
      },
      leave: (error) => this.leave(pass, error),
    };
    if (!this.settled && this.passes.size === 0) this.first = pass;
    this.passes.set(pass, fail);
    return pass;
  }

  /** Host key and credential are known already: all who enter are followers. */
  settle(): void {
    this.settled = true;
    this.first = undefined;
    this.wake();
  }

  private leave(pass: GatePass, error: CopyError | undefined): CopyError | undefined {
    if (!this.passes.delete(pass)) return error;
    this.waiters = this.waiters.filter((waiter) => waiter.pass !== pass);
    let reason = error;
    if (pass === this.first) {
      this.first = undefined;
      if (error === undefined) this.settled = true;
      else if (error.code === 'authentication-lost') reason = this.cutLogin(error);
      // Who gave up says nothing about the others.
      if (reason?.scope === 'run' && reason.code !== 'cancelled') this.failAll(reason);
    }
    if (this.passes.size === 0) this.resume();
    this.wake();
    return reason;
  }

  private cutLogin(error: CopyError): CopyError {
    this.resume();
    if (++this.cutLogins < MAX_CUT_LOGINS) {
      const pauseMs = CUT_LOGIN_PAUSE_MS * 2 ** (this.cutLogins - 1);
      this.pause = setTimeout(() => {
        this.resume();
        this.wake();
      }, pauseMs);
      return error;
    }
    this.cutLogins = 0;
    const message = `The connection was cut ${MAX_CUT_LOGINS} times in a row during authentication. ${error.message}`;
    return new CopyError(error.code, message, { cause: error, scope: 'run', retry: false, advice: error.advice });
  }

  private resume(): void {
    clearTimeout(this.pause);
    this.pause = undefined;
  }

  private failAll(error: CopyError): void {
    const failures = [...this.passes.values()];
    this.passes.clear();
    this.waiters = [];
    for (const fail of failures) fail(error);
  }

  private wake(): void {
    if (!this.settled) this.first ??= this.waiters[0]?.pass;
    const ready = ({ pass, step }: Waiter): boolean => {
      if (this.settled || (step === 'host-key' && this.hostKeyIsAccepted)) return true;
      return pass === this.first && (step === 'host-key' || this.pause === undefined);
    };
    const woken = this.waiters.filter(ready);
    this.waiters = this.waiters.filter((waiter) => !ready(waiter));
    for (const { pass, resolve } of woken) resolve(pass === this.first ? 'first' : 'follower');
  }
}
