/** Checks the host key that a server shows on one connection. */
import { CopyError } from '../../../errors.ts';
import type { GatePass } from './first-connection-gate.ts';
import type { HostKeyPolicy } from './host-key-policy.ts';
import type { PatientDeadline } from './patient-deadline.ts';
import type { SharedState } from './shared-state.ts';

/** The connection that the server shows its key on. */
export interface CheckedConnection {
  /** Whether it has ended, so that an answer is of no use any more. */
  isOver(): boolean;
  fail(error: CopyError): void;
}

/** What the connections of one transport share about host keys. */
type SharedHostKey = Pick<SharedState, 'hostKey'> & { readonly policy: Pick<HostKeyPolicy, 'check' | 'checkAgain'> };

/**
 * Answers each key exchange of a connection, from the first one to those of the open connection. On the first connection
 * of a transport, the policy judges the key, which may mean that a person is asked; the others wait, and compare their
 * key with the accepted one. The policy may refuse the key: the connection fails then, and ssh2 gets no answer.
 *
 * A key that this connection has accepted is accepted at once ever after.
 */
export class HostKeyCheck {
  readonly #shared: SharedHostKey;
  readonly #pass: GatePass;
  readonly #deadline: PatientDeadline;
  readonly #connection: CheckedConnection;
  /** The key that was accepted on this connection. */
  #accepted: Uint8Array | undefined;

  constructor(shared: SharedHostKey, pass: GatePass, deadline: PatientDeadline, connection: CheckedConnection) {
    this.#shared = shared;
    this.#pass = pass;
    this.#deadline = deadline;
    this.#connection = connection;
  }

  /**
   * To be called for every key exchange, also for later ones. During these, data is in flight, and ssh2 would send some
   * between the old and the new keys if the known host key were not accepted at once. It must be accepted by the
   * returned value: with a synchronous call of `verify`, ssh2 loses count of the steps of the exchange.
   */
  verify(blob: Buffer, verify: (right: boolean) => void): true | undefined {
    if (this.#accepted !== undefined && Buffer.compare(this.#accepted, blob) === 0) return true;
    void this.#check(Buffer.from(blob), verify);
    return undefined;
  }

  async #check(blob: Buffer, verify: (right: boolean) => void): Promise<void> {
    const shared = this.#shared;
    try {
      const role = await this.#deadline.during(this.#pass.turn('host-key'));
      const accepted = this.#accepted ?? shared.hostKey?.blob;
      if (accepted !== undefined) {
        await shared.policy.checkAgain(blob, accepted);
      } else {
        const verdict = await this.#deadline.during(shared.policy.check(blob));
        if (this.#connection.isOver()) return;
        shared.hostKey = { ...verdict, blob };
      }
      if (this.#connection.isOver()) return;
      this.#accepted = blob;
      if (role === 'first') this.#pass.hostKeyAccepted();
      verify(true);
    } catch (error) {
      this.#connection.fail(CopyError.from(error));
    }
  }
}
