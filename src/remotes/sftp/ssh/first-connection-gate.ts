/**
 * Lets one connection settle host key and credential while the others do TCP and key exchange. They may check their host
 * key once one is accepted, and show a secret once the first is in.
 */
import type { CopyError } from '../../../errors.ts';

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
  /** Ends the pass. If the first leaves with an error that ends the run, all fail with it; else another becomes first. */
  leave(error?: CopyError): void;
}

export class FirstConnectionGate {
  private readonly passes = new Map<GatePass, (error: CopyError) => void>();
  private waiters: Waiter[] = [];
  private first: GatePass | undefined;
  private hostKeyIsAccepted = false;
  private settled = false;

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

  private leave(pass: GatePass, error: CopyError | undefined): void {
    if (!this.passes.delete(pass)) return;
    this.waiters = this.waiters.filter((waiter) => waiter.pass !== pass);
    if (pass === this.first) {
      this.first = undefined;
      if (error === undefined) this.settled = true;
      // Who gave up says nothing about the others.
      else if (error.scope === 'run' && error.code !== 'cancelled') this.failAll(error);
    }
    this.wake();
  }

  private failAll(error: CopyError): void {
    const failures = [...this.passes.values()];
    this.passes.clear();
    this.waiters = [];
    for (const fail of failures) fail(error);
  }

  private wake(): void {
    if (!this.settled) this.first ??= this.waiters[0]?.pass;
    const ready = (waiter: Waiter): boolean =>
      this.settled || waiter.pass === this.first || (waiter.step === 'host-key' && this.hostKeyIsAccepted);
    const woken = this.waiters.filter(ready);
    this.waiters = this.waiters.filter((waiter) => !ready(waiter));
    for (const { pass, resolve } of woken) resolve(pass === this.first ? 'first' : 'follower');
  }
}
