/** The login of one connection. */
import type { AnyAuthMethod } from 'ssh2';
import type { CopyError } from '../../../errors.ts';
import { FirstAuthentication } from './authentication.ts';
import { type Authentication, ReplayedAuthentication } from './credential.ts';
import { type CredentialTurn, notReusable } from './credential-reuse.ts';
import type { GatePass, Role } from './first-connection-gate.ts';
import type { PatientDeadline } from './patient-deadline.ts';
import type { SharedState } from './shared-state.ts';

/**
 * Waits until this connection may send a credential, chooses what to send, and tells the result to the other
 * connections. The first connection tries everything that the user has; the others send the credential of the first
 * one. Where that is refused and no connection is open, one connection starts again as the first one did.
 */
export class Login {
  readonly #shared: SharedState;
  readonly #pass: GatePass;
  readonly #deadline: PatientDeadline;
  #authentication: Authentication | undefined;
  #answer: { readonly methods: readonly string[]; partialSuccess: boolean } | undefined;
  /** Set while this connection may send a credential that may be valid only once. */
  #turn: CredentialTurn | undefined;
  #isAdmitted = false;
  #isOver = false;

  constructor(shared: SharedState, pass: GatePass, deadline: PatientDeadline) {
    this.#shared = shared;
    this.#pass = pass;
    this.#deadline = deadline;
  }

  /** Whether this connection determines the credential, instead of sending that of another one. */
  get isFirst(): boolean {
    return this.#authentication instanceof FirstAuthentication;
  }

  /** To be called when the server has refused the last method, or requires another one in addition. */
  onAnswer(methods: readonly string[], partialSuccess: boolean): void {
    this.#answer = { methods, partialSuccess };
  }

  /**
   * The next method to try; undefined where the login is over meanwhile.
   * @throws {CopyError} `authentication-failed`, `connection-refused`, `credential-not-reusable`: when nothing is left
   *   to try
   */
  async next(methods: readonly string[] | undefined, partialSuccess: boolean): Promise<AnyAuthMethod | undefined> {
    const role = await this.#deadline.during(this.#pass.turn('credential'));
    if (this.#authentication === undefined && role === 'follower') await this.#takeTurn();
    if (this.#isOver) return undefined;
    this.#authentication ??= this.#authenticationFor(role);
    const answer = this.#answer ?? { methods, partialSuccess };
    const method = await this.#nextOf(this.#authentication, answer.methods, answer.partialSuccess);
    // A partial success counts once: where a key could not sign, ssh2 calls this again without a new answer of the
    // server.
    if (this.#answer !== undefined) this.#answer.partialSuccess = false;
    return method;
  }

  /** To be called when the server has accepted the login. */
  onAdmitted(): void {
    this.#isAdmitted = true;
    if (!(this.#authentication instanceof FirstAuthentication)) return;
    this.#shared.credential = this.#authentication.credential;
    this.#shared.reuse.settle(this.#shared.credential, this.#shared.identities.isConfirmed);
    if (this.#shared.reuse.isReusable) this.#pass.credentialAccepted();
  }

  /** To be called when the connection is counted among the open ones. The login is over then. */
  onOpen(): void {
    this.#isOver = true;
    this.#endTurn('accepted');
  }

  /** To be called when the connection has failed. Returns the error to report, which is `error` or replaces it. */
  onFailure(error: CopyError): CopyError {
    this.#isOver = true;
    const isCut = this.#hasShownSecret && !this.#isAdmitted;
    const isDeclined = this.#turn?.kind === 'anew' && error.code === 'authentication-failed';
    this.#endTurn(this.#isAdmitted ? 'accepted' : isCut ? 'cut' : isDeclined ? 'refused' : undefined);
    if (isDeclined && this.#shared.open > 0) return notReusable();
    return isCut && this.#shared.reuse.isRefused ? notReusable() : error;
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
    this.#turn?.end(outcome, this.#shared.identities.isConfirmed);
    this.#turn = undefined;
  }

  #authenticationFor(role: Role): Authentication {
    const { settings, target, credential, identities, interaction, password, hostKey, mayLogInAnew } = this.#shared;
    const around = <T>(work: Promise<T>): Promise<T> => this.#deadline.during(work);
    const isAnew = this.#turn?.kind === 'anew';
    if (isAnew && !mayLogInAnew) throw notReusable();
    if (role === 'follower' && !isAnew) return new ReplayedAuthentication(settings.user, credential ?? [], around);
    return new FirstAuthentication({
      settings,
      target,
      identities,
      interaction,
      // The password of the environment was refused, so that only the user can give another one.
      password: isAnew ? undefined : password,
      arePasswordsAllowed: hostKey?.arePasswordsAllowed ?? false,
      around,
    });
  }
}
