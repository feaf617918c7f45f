/** The remote for SFTP over SSH. */
import { CopyError } from '../../errors.ts';
import type { DigestMethod, Remote, RemoteIdentity, RemoteSpec } from '../remote.ts';
import { DefaultModes } from './default-modes.ts';
import { DIGEST_METHODS } from './digests/open-digester.ts';
import { FlowMemory } from './flow-memory.ts';
import { keepAlive } from './keepalive.ts';
import { SftpSession } from './session.ts';
import { ReadPool } from './session-inlet.ts';
import { PacketPool } from './session-pool.ts';
import { type FlowMemories, SftpConnection } from './sftp-connection.ts';
import type { SshConnection, SshSpec, SshTransport } from './ssh/ssh-connection.ts';
import { FirstBytes, startFailure } from './start-failure.ts';

export interface SftpRemoteOptions {
  readonly stallTimeoutMs: number;
  /** How many requests may be in flight on a connection. */
  readonly inFlight: number | 'auto';
}

const PROTOCOL = 'sftp';

export interface SftpSpec extends RemoteSpec, SftpRemoteOptions {
  readonly protocol: typeof PROTOCOL;
  readonly ssh: SshSpec;
}

export function sftpSpec({ stallTimeoutMs, inFlight }: SftpRemoteOptions, ssh: SshSpec): SftpSpec {
  return { protocol: PROTOCOL, stallTimeoutMs, inFlight, ssh };
}

export function isSftpSpec(spec: RemoteSpec): spec is SftpSpec {
  return spec.protocol === PROTOCOL;
}

export class SftpRemote implements Remote {
  readonly #transport: SshTransport;
  readonly #options: SftpRemoteOptions;
  readonly #pool = new PacketPool();
  readonly #readPool = new ReadPool();
  readonly #defaultModes = new DefaultModes();
  /** Whether SFTP has begun with this server before. */
  #hasBegun: boolean;
  readonly #memories: FlowMemories = { writing: new FlowMemory(), reading: new FlowMemory() };

  constructor(transport: SshTransport, options: SftpRemoteOptions) {
    this.#transport = transport;
    const { stallTimeoutMs, inFlight } = options;
    this.#options = { stallTimeoutMs, inFlight };
    // In another thread, SFTP has begun before on the connection that determined how to log in.
    this.#hasBegun = transport.isSettled;
  }

  get spec(): SftpSpec {
    return sftpSpec(this.#options, this.#transport.spec);
  }

  get digestMethods(): readonly DigestMethod[] {
    return DIGEST_METHODS;
  }

  get identity(): RemoteIdentity {
    return this.#transport.identity;
  }

  async connect(id: number, signal: AbortSignal, onAdmitted: () => void): Promise<SftpConnection> {
    const { stallTimeoutMs, inFlight } = this.#options;
    const ssh = await this.#transport.open(id, signal, onAdmitted);
    const hangUp = (): void => void ssh.close();
    signal.addEventListener('abort', hangUp, { once: true });
    try {
      const { sftp, outlet, inlet, software } = ssh;
      const memory = { outlet, pool: this.#pool, inlet, readPool: this.#readPool };
      const options = { stallTimeoutMs, softwareHint: software, ...memory, leavesDuplex: true };
      const session = await this.#begin(ssh, () => SftpSession.open(sftp, options));
      if (signal.aborted) throw CopyError.from(signal.reason, 'cancelled');
      keepAlive(session, this.#transport.keepaliveIntervalMs);
      const closed = this.#watch(session, ssh.closed, () => ssh.close());
      return new SftpConnection(session, closed, {
        software,
        inFlight,
        stallTimeoutMs,
        defaultModes: this.#defaultModes,
        memories: this.#memories,
        exec: (command) => ssh.exec(command),
        close: () => ssh.close(),
      });
    } catch (error) {
      await ssh.close();
      if (signal.aborted) throw CopyError.from(signal.reason, 'cancelled');
      const failure = CopyError.from(error);
      // The reason why SSH has ended says more than the end of the channel.
      throw failure.scope === 'run' || failure.code === 'connection-refused'
        ? failure
        : ((await ssh.closed) ?? failure);
    } finally {
      signal.removeEventListener('abort', hangUp);
    }
  }

  /** Begins SFTP. On failure, the error explains what the programs of the server printed. */
  async #begin(ssh: SshConnection, open: () => Promise<SftpSession>): Promise<SftpSession> {
    const output = new FirstBytes(ssh.sftp);
    try {
      const session = await open();
      this.#hasBegun = true;
      return session;
    } catch (error) {
      throw await startFailure(ssh, CopyError.from(error), output, !this.#hasBegun);
    } finally {
      output.end();
    }
  }

  /** Ends SSH when the session has ended, and the session when SSH has ended. Resolves with the reason. */
  async #watch(
    session: SftpSession,
    sshClosed: Promise<CopyError | undefined>,
    hangUp: () => Promise<void>,
  ): Promise<CopyError | undefined> {
    void sshClosed.then((reason) => reason && session.fail(reason));
    const reason = await session.closed;
    await hangUp();
    return reason ?? (await sshClosed);
  }
}
