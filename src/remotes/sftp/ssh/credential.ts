/** The credential of the first connection, which is kept in memory so that the other connections send the same. */
import type { AnyAuthMethod, Prompt } from 'ssh2';
import { CopyError } from '../../../errors.ts';
import { type Around, type Identity, type IdentitySpec, OneKeyAgent } from './identity.ts';
import { identityFromSpec } from './identity-from-spec.ts';

/** One authentication method that succeeded, or succeeded in part. */
export type CredentialStep =
  | { readonly method: 'none' }
  | { readonly method: 'publickey'; readonly identity: Identity }
  | { readonly method: 'password'; readonly password: string }
  /** The answers: one list for each time that the server asked. */
  | { readonly method: 'keyboard-interactive'; readonly rounds: (readonly string[])[] };

/** It has more than one step where the server requires several methods (`AuthenticationMethods` of sshd). */
export type Credential = readonly CredentialStep[];

/** A credential as plain data, for another thread of this process. */
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
   * The next method to try.
   * @param methodsLeft the methods that the server offered in its last answer
   * @param partialSuccess whether the server accepted the last method and requires another one
   * @throws {CopyError} `authentication-failed`, `connection-refused`: when nothing is left to try
   */
  next(methodsLeft: readonly string[] | undefined, partialSuccess: boolean): Promise<AnyAuthMethod>;
}

/** Sends the steps of the credential of the first connection, and nothing else. It stops when a step is refused. */
export class ReplayedAuthentication implements Authentication {
  readonly #user: string;
  readonly #steps: CredentialStep[];
  readonly #around: Around;
  #last: CredentialStep | undefined;

  constructor(user: string, credential: Credential, around: Around) {
    this.#user = user;
    this.#steps = [...credential];
    this.#around = around;
  }

  /** Whether it has sent something that may be valid only once: a password, or answers. */
  get hasShownSecret(): boolean {
    return this.#last?.method === 'password' || this.#last?.method === 'keyboard-interactive';
  }

  async next(_methodsLeft: readonly string[] | undefined, partialSuccess: boolean): Promise<AnyAuthMethod> {
    const isRefused = this.#last !== undefined && !partialSuccess;
    const step = isRefused ? undefined : this.#steps.shift();
    if (step !== undefined) {
      this.#last = step;
      return toMethod(step, this.#user, this.#around, replay(step));
    }
    // proftpd refuses in this way while its limit of clients is reached.
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

/** Answers the questions of a server in keyboard-interactive authentication (RFC 4256). */
export type Answer = (name: string, instructions: string, prompts: readonly Prompt[]) => Promise<readonly string[]>;

/** How often a server may ask in one try of keyboard-interactive authentication, because it could ask without end. */
const MAX_ROUNDS = 10;

/** The step in the form that ssh2 expects. */
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
          // Without an answer, the connection fails when the time for a handshake has passed.
          if (++rounds > MAX_ROUNDS) return;
          const answering = around(answer(name, instructions, prompts)).catch(() => prompts.map(() => ''));
          // `finish` may throw where the connection has ended meanwhile, which is reported elsewhere.
          answering.then((answers) => finish([...answers])).catch(() => {});
        },
      };
    }
  }
}
