/** The authentication of the first connection: tries what the user has, and remembers what succeeded. */
import type { AnyAuthMethod, Prompt } from 'ssh2';
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { type Authentication, type Credential, type CredentialStep, toMethod } from './credential.ts';
import type { Identities } from './identities.ts';
import type { Around, Identity } from './identity.ts';
import type { Interaction } from './interaction.ts';
import { type SecretTries, secretTries } from './secrets.ts';
import type { AuthenticationMethod, SshSettings } from './ssh-settings.ts';

/** sshd hangs up after six failures (MaxAuthTries). With five keys, there is one try left for a password. */
const MAX_KEYS = 5;

export interface FirstAuthenticationOptions {
  readonly settings: SshSettings;
  /** How messages name the server. */
  readonly target: string;
  readonly identities: Identities;
  readonly interaction: Interaction | undefined;
  /** MT_COPY_PASSWORD. */
  readonly password: string | undefined;
  /** Whether a password may be sent; false where the host key is not the known one. */
  readonly arePasswordsAllowed: boolean;
  /** Stops the deadline while a person or an agent is waited for. */
  readonly around: Around;
}

/**
 * Tries the methods of the settings in their order, as far as the server offers them: at most five keys, then questions
 * and passwords as often as the settings allow. A method that has failed for good is not tried again. A server may
 * require several methods; those that succeeded in part are remembered, too.
 */
export class FirstAuthentication implements Authentication {
  readonly #options: FirstAuthenticationOptions;
  readonly #user: string;
  readonly #passwords: SecretTries;
  readonly #keys: AsyncGenerator<Identity, void, undefined>;
  #keysTried = 0;
  #roundsTried = 0;
  readonly #exhausted = new Set<AuthenticationMethod>();
  readonly #succeeded: CredentialStep[] = [];
  readonly #tried: string[] = [];
  #last: CredentialStep | undefined;
  #offered: readonly string[] = [];
  /** A sentence about the last refusal, to show before the next question. */
  #problem: string | undefined;

  constructor(options: FirstAuthenticationOptions) {
    const { settings, interaction, password } = options;
    this.#options = options;
    this.#user = settings.user;
    this.#passwords = secretTries(password, interaction, settings.authentication.passwordPrompts);
    this.#keys = options.identities.inOrder();
  }

  /** The steps that succeeded. Valid once the server has accepted the login. */
  get credential(): Credential {
    return this.#last === undefined ? this.#succeeded : [...this.#succeeded, this.#last];
  }

  async next(methodsLeft: readonly string[] | undefined, partialSuccess: boolean): Promise<AnyAuthMethod> {
    // The server names its methods only when it refuses something (RFC 4252, 5.2).
    if (this.#last === undefined) return this.#use({ method: 'none' });
    this.#offered = methodsLeft ?? [];
    if (partialSuccess) this.#succeeded.push(this.#last);
    else if (this.#last.method === 'password') this.#problem = 'The server did not accept the password.';
    else if (this.#last.method === 'keyboard-interactive' && this.#last.rounds.length === 0) {
      // The server refused without asking anything, and would do so again.
      this.#exhausted.add('keyboard-interactive');
    } else if (this.#last.method === 'keyboard-interactive') this.#problem = 'The server did not accept the answer.';
    for (const method of this.#options.settings.authentication.methods) {
      if (!this.#offered.includes(method) || this.#exhausted.has(method)) continue;
      const step = await this.#step(method);
      if (step !== undefined) return this.#use(step);
      this.#exhausted.add(method);
    }
    throw this.failure();
  }

  /** The error for a server that hung up because of too many failures. */
  failure(): CopyError {
    const tried = this.#tried.length === 0 ? 'nothing could be tried' : `tried: ${this.#tried.join(', ')}`;
    const offered = this.#offered.length === 0 ? 'no method' : this.#offered.map(cleanText).join(', ');
    const problems = this.#options.identities.problems;
    const notUsed = problems.length === 0 ? '' : ` Not used: ${problems.join('; ')}.`;
    const limit =
      this.#keysTried < MAX_KEYS ? '' : ` No more than ${MAX_KEYS} keys are tried: name the right one with -i.`;
    return new CopyError(
      'authentication-failed',
      `${this.#options.target} did not let ${cleanText(this.#user)} in; it offers ${offered}; ${tried}.`,
      { advice: `Check user name, key (-i) and password.${limit}${notUsed}` },
    );
  }

  #use(step: CredentialStep): AnyAuthMethod {
    this.#last = step;
    return toMethod(step, this.#user, this.#options.around, (name, instructions, prompts) =>
      this.#answer(step, name, instructions, prompts),
    );
  }

  async #step(method: AuthenticationMethod): Promise<CredentialStep | undefined> {
    if (method === 'publickey') return this.#publicKeyStep();
    if (!this.#options.arePasswordsAllowed) return undefined;
    if (method === 'keyboard-interactive') {
      if (!this.#passwords.left || this.#roundsTried >= this.#options.settings.authentication.passwordPrompts)
        return undefined;
      this.#roundsTried++;
      this.#note('keyboard-interactive');
      return { method, rounds: [] };
    }
    const { typedHost } = this.#options.settings;
    const prompt = `${cleanText(this.#user)}@${cleanText(typedHost)}'s password: `;
    const password = await this.#options.around(this.#passwords.next(prompt, this.#takeProblem()));
    if (password === undefined) return undefined;
    this.#note('password');
    return { method, password };
  }

  async #publicKeyStep(): Promise<CredentialStep | undefined> {
    if (this.#keysTried >= MAX_KEYS) return undefined;
    const { value: identity } = await this.#options.around(this.#keys.next());
    if (identity === undefined) return undefined;
    this.#keysTried++;
    // Two keys may have the same label.
    this.#tried.push(identity.label);
    return { method: 'publickey', identity };
  }

  /**
   * Answers the server's questions. A single hidden question is taken for that for the password, as of sshd with PAM.
   */
  async #answer(
    step: CredentialStep,
    name: string,
    instructions: string,
    prompts: readonly Prompt[],
  ): Promise<readonly string[]> {
    const single = prompts.length === 1 && prompts[0]?.echo !== true;
    const about = [name, instructions].filter((text) => text !== '').map((text) => `${cleanText(text)}: `);
    const answers: string[] = [];
    for (const { prompt } of prompts) {
      const question = `(${cleanText(this.#user)}@${cleanText(this.#options.settings.typedHost)}) ${about.join('')}${cleanText(prompt)}`;
      const problem = this.#takeProblem();
      const answer = await (single
        ? this.#passwords.next(question, problem)
        : this.#options.interaction?.secret(question, problem));
      // Nobody answers. The server gets an empty answer, and this method is not tried again.
      if (answer === undefined) this.#exhausted.add('keyboard-interactive');
      answers.push(answer ?? '');
    }
    if (step.method === 'keyboard-interactive') step.rounds.push(answers);
    return answers;
  }

  #takeProblem(): string | undefined {
    const problem = this.#problem;
    this.#problem = undefined;
    return problem;
  }

  #note(what: string): void {
    if (!this.#tried.includes(what)) this.#tried.push(what);
  }
}
