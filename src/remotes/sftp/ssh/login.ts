/** The login of one connection: its turn, what it shows, and what its success or failure says to the others. */
import type { AnyAuthMethod } from 'ssh2';
import type { CopyError } from '../../../errors.ts';
import { FirstAuthentication } from './authentication.ts';
import { type Authentication, ReplayedAuthentication } from './credential.ts';
import { type CredentialTurn, notReusable } from './credential-reuse.ts';
import type { GatePass, Role } from './first-connection-gate.ts';
import type { PatientDeadline } from './patient-deadline.ts';
import type { SharedState } from './shared-state.ts';

/**
 * The first connection tries what the user has; the others show what let it in. Where that is refused to a further one,
 * and none is open, one is let in as the first one was. Neither is done before it is this connection's turn.
 */
export class Login {
  readonly #shared: SharedState;
  readonly #pass: GatePass;
  readonly #deadline: PatientDeadline;
  #authentication: Authentication | undefined;
  #answer: { readonly methods: readonly string[]; partialSuccess: boolean } | undefined;
  /** While it may show a credential that may be good for one time only. */
  #turn: CredentialTurn | undefined;
  #isAdmitted = false;
  #isOver = false;

  constructor(shared: SharedState, pass: GatePass, deadline: PatientDeadline) {
    this.#shared = shared;
    this.#pass = pass;
    this.#deadline = deadline;
  }

  /** Whether it found out by itself what lets it in. */
  get isFirst(): boolean {
    return this.#authentication instanceof FirstAuthentication;
  }

  /** The server has refused what was shown last, or wants another method too. */
  answered(methods: readonly string[], partialSuccess: boolean): void {
    this.#answer = { methods, partialSuccess };
  }

  /**
   * What to try next; undefined where the connection is over by then.
   *
   * @throws {CopyError} when there is nothing left to try.
   */
  async next(methods: readonly string[] | undefined, partialSuccess: boolean): Promise<AnyAuthMethod | undefined> {
    const role = await this.#deadline.during(this.#pass.turn('credential'));
    if (this.#authentication === undefined && role === 'follower') await this.#takeTurn();
    if (this.#isOver) return undefined;
    this.#authentication ??= this.#authenticationFor(role);
    const answer = this.#answer ?? { methods, partialSuccess };
    const method = await this.#nextOf(this.#authentication, answer.methods, answer.partialSuccess);
    // An answer counts once: ssh2 comes back without a new one where a key could not sign.
    if (this.#answer !== undefined) this.#answer.partialSuccess = false;
    return method;
  }

  /** The server has let it in. */
  admitted(): void {
    this.#isAdmitted = true;
    if (!(this.#authentication instanceof FirstAuthentication)) return;
    this.#shared.credential = this.#authentication.credential;
    this.#shared.reuse.settle(this.#shared.credential);
  }

  /** It is counted among those that are open. */
  opened(): void {
    this.#endTurn('accepted');
  }

  /** The connection is over; returns what to report instead of `error`, or `error` itself. */
  failed(error: CopyError): CopyError {
    this.#isOver = true;
    const isShown = this.#hasShownSecret && !this.#isAdmitted;
    this.#endTurn(this.#isAdmitted ? 'accepted' : isShown ? 'cut' : undefined);
    return isShown && this.#shared.reuse.isRefused ? notReusable() : error;
  }

  /** The error for a server that hung up because of too many failures. */
  refusal(): CopyError | undefined {
    return this.#authentication instanceof FirstAuthentication ? this.#authentication.failure() : undefined;
  }

  async #takeTurn(): Promise<void> {
    const { reuse } = this.#shared;
    const turn = await this.#deadline.during(reuse.turn(() => this.#shared.open > 0));
    if (this.#isOver) turn.end(undefined);
    else this.#turn = turn;
  }

  async #nextOf(
    authentication: Authentication,
    methods: readonly string[] | undefined,
    partialSuccess: boolean,
  ): Promise<AnyAuthMethod | undefined> {
    try {
      return await authentication.next(methods, partialSuccess);
    } catch (error) {
      if (!this.#hasShownSecret) throw error;
      this.#endTurn('refused');
      if (!this.#shared.reuse.isRefused) throw error;
      await this.#takeTurn();
      if (this.#isOver) return undefined;
      this.#authentication = this.#authenticationFor('follower');
      return this.#authentication.next(undefined, false);
    }
  }

  get #hasShownSecret(): boolean {
    return this.#authentication instanceof ReplayedAuthentication && this.#authentication.hasShownSecret;
  }

  #endTurn(outcome: 'accepted' | 'refused' | 'cut' | undefined): void {
    this.#turn?.end(outcome);
    this.#turn = undefined;
  }

  #authenticationFor(role: Role): Authentication {
    const { settings, credential, identities, interaction, password, hostKey, mayLogInAnew } = this.#shared;
    const around = <T>(work: Promise<T>): Promise<T> => this.#deadline.during(work);
    const isAnew = this.#turn?.kind === 'anew';
    if (isAnew && !mayLogInAnew) throw notReusable();
    if (role === 'follower' && !isAnew) return new ReplayedAuthentication(settings.user, credential ?? [], around);
    return new FirstAuthentication({
      settings,
      identities,
      interaction,
      // It was refused: another one can only come from a person.
      password: isAnew ? undefined : password,
      passwordsAllowed: hostKey?.passwordsAllowed ?? false,
      around,
    });
  }
}
