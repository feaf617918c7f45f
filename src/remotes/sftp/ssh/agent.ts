/** The agent of the user: which keys it has, and signatures by it (draft-miller-ssh-agent). */
import ssh2, { type GetStreamCallback, type ParsedKey } from 'ssh2';
import { cleanText } from '../../../util/clean-text.ts';
import { fingerprintOf } from './host-key.ts';
import type { Identity } from './identity.ts';

/** How long an agent may take to name its keys: it has them in memory, or on a card that it knows. */
const listTimeoutMs = 1500;
/** Signing may wait for a person: a confirmation, or the passphrase window of gpg-agent. */
const signTimeoutMs = 60_000;

/** Whether its stream is idle or busy, it ends after `timeoutMs`. */
class BoundedAgent extends ssh2.OpenSSHAgent {
  private readonly timeoutMs: number;
  isLate = false;

  constructor(socketPath: string, timeoutMs: number) {
    super(socketPath);
    this.timeoutMs = timeoutMs;
  }

  override getStream(callback: GetStreamCallback): void {
    super.getStream((error, stream) => {
      if (stream !== undefined && 'destroy' in stream) {
        const timer = setTimeout(() => {
          this.isLate = true;
          stream.destroy();
        }, this.timeoutMs);
        stream.once('close', () => clearTimeout(timer));
      }
      callback(error, stream);
    });
  }
}

/** An agent that did not answer in time; one that is not there costs no time. */
export class SilentAgentError extends Error {}

/**
 * The keys the agent has, of the types that can be used; certificates and keys on FIDO tokens are passed over.
 *
 * @throws SilentAgentError where the agent does not answer within a second and a half; Error where it is not there.
 */
export function listAgentIdentities(socketPath: string): Promise<Identity[]> {
  return new Promise((resolve, reject) => {
    const agent = new BoundedAgent(socketPath, listTimeoutMs);
    agent.getIdentities((error, keys) => {
      const problem = `the agent at ${cleanText(socketPath)} does not answer`;
      if (agent.isLate) return reject(new SilentAgentError(problem));
      if (error) return reject(new Error(problem, { cause: error }));
      // The declared type allows other forms; this agent gives parsed keys.
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
        const agent = new BoundedAgent(socketPath, signTimeoutMs);
        agent.sign(publicKey, data, hash === undefined ? {} : { hash }, (error, signature) => {
          if (signature !== undefined && !error) resolve(signature);
          else reject(new Error('the agent did not sign', { cause: error }));
        });
      }),
  };
}
