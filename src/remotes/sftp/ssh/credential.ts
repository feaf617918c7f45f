/** What let the first connection in, kept in memory so that the others show just that. */
import type { AnyAuthMethod, Prompt } from 'ssh2';
import { CopyError } from '../../../errors.ts';
import { type Around, type Identity, type IdentitySpec, OneKeyAgent } from './identity.ts';
import { identityFromSpec } from './identity-from-spec.ts';

/** One method that succeeded, or succeeded in part. */
export type CredentialStep =
  | { readonly method: 'none' }
  | { readonly method: 'publickey'; readonly identity: Identity }
  | { readonly method: 'password'; readonly password: string }
  /** The answers, a list for each time the server asked. */
  | { readonly method: 'keyboard-interactive'; readonly rounds: (readonly string[])[] };

/** More than one step where the server wants several methods (`AuthenticationMethods` of sshd). */
export type Credential = readonly CredentialStep[];

/** The same as plain data, for another thread of this process. */
export type CredentialSpec = readonly (
  | Exclude<CredentialStep, { method: 'publickey' }>
  | { readonly method: 'publickey'; readonly identity: IdentitySpec }
)[];

export function toCredentialSpec(credential: Credential): CredentialSpec {
  return credential.map((step) => (step.method === 'publickey' ? { ...step, identity: step.identity.spec() } : step));
}

export function credentialFromSpec(spec: CredentialSpec): Credential {
  return spec.map((step) =>
    step.method === 'publickey' ? { ...step, identity: identityFromSpec(step.identity) } : step,
  );
}

/** Decides what a connection tries next. */
export interface Authentication {
  /**
   * The next method to try, given what the server said to the last one.
   *
   * @throws {CopyError} when there is nothing left to try.
   */
  next(methodsLeft: readonly string[] | undefined, partialSuccess: boolean): Promise<AnyAuthMethod>;
}

/** Shows the credential that worked on the first connection, and nothing else; nothing more once a step is refused. */
export class ReplayedAuthentication implements Authentication {
  private readonly user: string;
  private readonly steps: CredentialStep[];
  private readonly around: Around;
  private last: CredentialStep | undefined;

  constructor(user: string, credential: Credential, around: Around) {
    this.user = user;
    this.steps = [...credential];
    this.around = around;
  }

  /** Whether it has shown what may be good for one time only: a password, or answers. */
  get hasShownSecret(): boolean {
    return this.last?.method === 'password' || this.last?.method === 'keyboard-interactive';
  }

  async next(_methodsLeft: readonly string[] | undefined, partialSuccess: boolean): Promise<AnyAuthMethod> {
    const isRefused = this.last !== undefined && !partialSuccess;
    const step = isRefused ? undefined : this.steps.shift();
    if (step !== undefined) {
      this.last = step;
      return toMethod(step, this.user, this.around, replay(step));
    }
    // proftpd answers so to those who come while its limit of clients is reached.
    throw new CopyError(
      'connection-refused',
      'The server did not accept here what it accepted on the first connection.',
      {
        retry: false,
      },
    );
  }
}

function replay(step: CredentialStep): Answer {
  let round = 0;
  return (_name, _instructions, prompts) => {
    const answers = step.method === 'keyboard-interactive' ? step.rounds[round++] : undefined;
    return Promise.resolve(prompts.map((_, index) => answers?.[index] ?? ''));
  };
}

/** The answers to what a server asks in keyboard-interactive authentication (RFC 4256). */
export type Answer = (name: string, instructions: string, prompts: readonly Prompt[]) => Promise<readonly string[]>;

/** How often a server may ask in one try of keyboard-interactive authentication: not for ever. */
const maxRounds = 10;

/** As ssh2 wants it. */
export function toMethod(step: CredentialStep, username: string, around: Around, answer: Answer): AnyAuthMethod {
  switch (step.method) {
    case 'none':
      return { type: 'none', username };
    case 'publickey':
      return { type: 'agent', username, agent: new OneKeyAgent(step.identity, around) };
    case 'password':
      return { type: 'password', username, password: step.password };
    case 'keyboard-interactive': {
      let rounds = 0;
      return {
        type: 'keyboard-interactive',
        username,
        prompt: (name, instructions, _language, prompts, finish) => {
          // Unanswered, it ends with the time for a handshake, which does not begin anew here.
          if (++rounds > maxRounds) return;
          const answering = around(answer(name, instructions, prompts)).catch(() => prompts.map(() => ''));
          // What the connection does if it is gone by now is nobody's failure.
          answering.then((answers) => finish([...answers])).catch(() => {});
        },
      };
    }
  }
}
