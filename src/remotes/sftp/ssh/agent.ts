/** The keys of the user's SSH agent, and signatures by it (draft-miller-ssh-agent). */
import ssh2, { type GetStreamCallback, type ParsedKey } from 'ssh2';
import { cleanText } from '../../../util/clean-text.ts';
import { fingerprintOf } from './host-key.ts';
import type { Identity } from './identity.ts';

/** How long an agent may take to list its keys, which need no action of the user. */
const LIST_TIMEOUT_MS = 1500;
/** How long an agent may take to sign, which may wait for a confirmation or a passphrase of the user. */
const SIGN_TIMEOUT_MS = 60_000;

/** An agent whose stream is destroyed after `timeoutMs`, whatever its state is then. */
class BoundedAgent extends ssh2.OpenSSHAgent {
  readonly #timeoutMs: number;
  isLate = false;

  constructor(socketPath: string, timeoutMs: number) {
    super(socketPath);
    this.#timeoutMs = timeoutMs;
  }

  override getStream(callback: GetStreamCallback): void {
    super.getStream((error, stream) => {
      if (stream !== undefined && 'destroy' in stream) {
        const timer = setTimeout(() => {
          this.isLate = true;
          stream.destroy();
        }, this.#timeoutMs);
        stream.once('close', () => clearTimeout(timer));
      }
      callback(error, stream);
    });
  }
}

/** An agent accepted the connection and did not answer in time. */
export class SilentAgentError extends Error {}

/**
 * The keys of the agent that can be used; certificates and keys on FIDO tokens are left out.
 * @throws {SilentAgentError} when the agent does not answer within 1.5 s
 * @throws {Error} when there is no agent
 */
export function listAgentIdentities(socketPath: string): Promise<Identity[]> {
  return new Promise((resolve, reject) => {
    const agent = new BoundedAgent(socketPath, LIST_TIMEOUT_MS);
    agent.getIdentities((error, keys) => {
      const problem = `the agent at ${cleanText(socketPath)} does not answer`;
      if (agent.isLate) return reject(new SilentAgentError(problem));
      if (error) return reject(new Error(problem, { cause: error }));
      // The declared type allows other forms, but this agent returns parsed keys.
      const parsed = (keys ?? []).filter((key): key is ParsedKey => 'getPublicSSH' in key);
      resolve(parsed.map((key) => agentIdentity(socketPath, key)));
    });
  });
}

/** A key of the agent behind a socket. */
export function agentIdentity(socketPath: string, publicKey: ParsedKey): Identity {
  return {
    label: `agent key ${cleanText(publicKey.comment || fingerprintOf(publicKey.getPublicSSH()))}`,
    publicKey,
    spec: () => ({ kind: 'agent', socket: socketPath, publicKey: publicKey.getPublicSSH() }),
    sign: (data, hash) =>
      new Promise((resolve, reject) => {
        const agent = new BoundedAgent(socketPath, SIGN_TIMEOUT_MS);
        agent.sign(publicKey, data, hash === undefined ? {} : { hash }, (error, signature) => {
          if (signature !== undefined && !error) resolve(signature);
          else reject(new Error('the agent did not sign', { cause: error }));
        });
      }),
  };
}
