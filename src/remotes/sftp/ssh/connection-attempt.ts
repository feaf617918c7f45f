/** One attempt to open a connection by ssh2, from the TCP connection to the channel of the sftp subsystem. */
import type { Duplex } from 'node:stream';
import type { Algorithms, AuthenticationType, ClientChannel, ConnectConfig, NextAuthHandler } from 'ssh2';
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { type Deferred, deferred } from '../../../util/deferred.ts';
import { cancelledError, dialError, isLevel, isNoMatch, noSshError, timeoutError } from './connection-errors.ts';
import { dial } from './dial.ts';
import { EmbeddedClient } from './embedded-client.ts';
import { EmbeddedConnection } from './embedded-connection.ts';
import type { GatePass } from './first-connection-gate.ts';
import { FAIL_GRACE_MS } from './hang-up.ts';
import { HostKeyCheck } from './host-key-check.ts';
import { Login } from './login.ts';
import { noCommonAlgorithm } from './no-common-algorithm.ts';
import { PatientDeadline } from './patient-deadline.ts';
import { ProxyCommandError } from './proxy-command.ts';
import type { SharedState } from './shared-state.ts';
import { slowPathNote } from './slow-path.ts';
import { SocketReader } from './socket-reader.ts';
import type { SshConnection } from './ssh-connection.ts';
import type { SshSettings } from './ssh-settings.ts';
import { maxPacketOf, onAuthenticationFailure, retireChannel, signWithoutAsking } from './ssh2-internals.ts';

/** The smallest packet size that a server may ask for, in bytes. Less cannot be meant seriously. */
const MIN_PACKET = 512;

/**
 * One attempt to connect and log in.
 *
 * It fails when the server does not answer in time, refuses, sends something unexpected, shows an unknown key or ends
 * the connection at any moment, and when the signal is aborted. Every failure ends in `fail`, which counts only once.
 * When the attempt has rejected, its socket is closed.
 *
 * States: opening, in the stages that {@link EmbeddedClient} lists; open, from when on every failure is passed on to
 * the {@link EmbeddedConnection} that resulted; failed.
 */
export class ConnectionAttempt {
  readonly #shared: SharedState;
  readonly #onAdmitted: () => void;
  /** Aborted when the attempt is over, because it failed or because the connection is open. */
  readonly #opening = new AbortController();
  readonly #opened: Deferred<SshConnection> = deferred();
  readonly #deadline: PatientDeadline;
  readonly #pass: GatePass;
  readonly #login: Login;
  readonly #hostKey: HostKeyCheck;
  #isKnown = false;
  /** Undefined until there is a TCP connection. */
  #client: EmbeddedClient | undefined;
  /** Undefined until it is open. */
  #connection: EmbeddedConnection | undefined;

  constructor(shared: SharedState, onAdmitted: () => void) {
    const { settings, target } = shared;
    this.#shared = shared;
    this.#onAdmitted = onAdmitted;
    this.#deadline = new PatientDeadline(settings.connectTimeoutMs, () => {
      const stage = this.#client?.stage ?? 'TCP';
      const said = this.#client?.greeting ?? '';
      this.#fail(timeoutError(stage, target, settings.connectTimeoutMs, this.#mayRetry, said));
    });
    this.#pass = shared.gate.enter((error) => this.#fail(error));
    this.#login = new Login(shared, this.#pass, this.#deadline);
    this.#hostKey = new HostKeyCheck(shared, this.#pass, this.#deadline, {
      isOver: () => this.#connection?.isOver ?? this.#isOver,
      fail: (error) => this.#fail(error),
    });
  }

  /**
   * To be called once. Where the attempt fails, rejects when its socket is closed.
   * @param signal aborted to give up the attempt; has no effect on the open connection
   */
  open(signal: AbortSignal): Promise<SshConnection> {
    const abort = (): void => this.#fail(cancelledError());
    signal.addEventListener('abort', abort, { once: true });
    this.#opening.signal.addEventListener('abort', () => signal.removeEventListener('abort', abort), { once: true });
    this.#deadline.restart();
    if (signal.aborted) abort();
    else this.#connect().catch((error: unknown) => this.#fail(CopyError.from(error)));
    return this.#opened.promise;
  }

  /** Whether the attempt has failed or succeeded. */
  get #isOver(): boolean {
    return this.#opening.signal.aborted;
  }

  async #connect(): Promise<void> {
    const { settings, policy, target } = this.#shared;
    const isSocket = settings.proxyCommand === undefined;
    const reader = settings.fastPath && isSocket ? new SocketReader() : undefined;
    const hostKeyAlgorithms = await policy.algorithms();
    this.#isKnown = await policy.isKnownHost();
    if (this.#isOver) return;
    let socket: Duplex;
    try {
      socket = await dial(settings, this.#opening.signal, reader);
    } catch (error) {
      return this.#fail(dialError(error, target, this.#mayRetry));
    }
    // A proxy command that has begun has reached nothing yet.
    this.#shared.hasReached ||= isSocket;
    if (this.#isOver) {
      socket.destroy();
      return;
    }
    this.#client = new EmbeddedClient(socket, reader, target);
    this.#handshake(this.#client, hostKeyAlgorithms);
  }

  #handshake(client: EmbeddedClient, hostKeyAlgorithms: readonly string[]): void {
    const { settings, target } = this.#shared;
    const { ssh } = client;
    ssh.on('error', (error) => this.#onError(client, error));
    ssh.on('end', () => this.#onEnd(client, undefined));
    ssh.on('close', () => this.#onEnd(client, undefined));
    ssh.on('handshake', () => this.#onHandshake(client));
    ssh.on('ready', () => this.#onReady(client));
    ssh.on('change password', () => {
      const advice = 'Log in once with ssh and set a new one.';
      this.#fail(new CopyError('authentication-failed', `${target} wants the password changed.`, { advice }));
    });
    const config: ConnectConfig = {
      username: settings.user,
      // `deadline` is used instead, because the time must not run while a person is asked.
      readyTimeout: 0,
      algorithms: algorithmsOf(settings, hostKeyAlgorithms),
      hostVerifier: (blob: Buffer, verify: (right: boolean) => void) => this.#hostKey.verify(blob, verify),
      authHandler: (methods, partial, next) => void this.#authenticate(client, methods, partial, next),
    };
    client.connect(config, (what) => this.#fail(noSshError(what, target, this.#shared.credential !== undefined)));
    onAuthenticationFailure(ssh, (methods, partialSuccess) => this.#login.onAnswer(methods, partialSuccess));
    // The server has accepted the key on the first connection.
    signWithoutAsking(ssh, () => !this.#login.isFirst);
  }

  /**
   * Whether a failure to reach the server may be temporary. Where the server was never reached and its key is not
   * known, the name or the port is most likely wrong, which another attempt does not change.
   */
  get #mayRetry(): boolean {
    return this.#isKnown || this.#shared.hasReached === true;
  }

  #onHandshake(client: EmbeddedClient): void {
    this.#shared.hasReached = true;
    if (client.stage === 'key exchange') this.#deadline.restart();
  }

  async #authenticate(
    client: EmbeddedClient,
    methods: AuthenticationType[] | null,
    partial: boolean | null,
    next: NextAuthHandler,
  ): Promise<void> {
    try {
      const method = await this.#login.next(methods ?? undefined, partial === true);
      if (this.#isOver || method === undefined) return;
      client.stage = 'authentication';
      this.#deadline.restart();
      next(method);
    } catch (error) {
      this.#fail(CopyError.from(error));
    }
  }

  #onReady(client: EmbeddedClient): void {
    if (this.#isOver) return;
    client.stage = 'sftp';
    this.#onAdmitted();
    this.#login.onAdmitted();
    this.#deadline.restart();
    try {
      client.ssh.subsys('sftp', (error, channel) => {
        if (this.#isOver) return;
        if (error !== undefined) this.#fail(this.#channelError(error));
        else this.#onChannel(client, channel);
      });
    } catch (error) {
      this.#onEnd(client, error);
    }
  }

  /**
   * proftpd with too many clients accepts the login and refuses the channel, so that this counts as a refused
   * connection.
   */
  #channelError(error: Error): CopyError {
    const { target } = this.#shared;
    if (this.#login.isFirst && /unable to start subsystem/i.test(error.message)) {
      return new CopyError('subsystem-missing', `${target} has no sftp subsystem.`, { cause: error });
    }
    const reason = cleanText(error.message).slice(0, 300);
    return new CopyError('connection-refused', `${target} opened no sftp channel: ${reason}.`, { cause: error });
  }

  #onChannel(client: EmbeddedClient, channel: ClientChannel): void {
    if ((maxPacketOf(channel) ?? MIN_PACKET) < MIN_PACKET) {
      retireChannel(channel);
      return this.#fail(new CopyError('protocol', `${client.target} accepts no packets of a useful size.`));
    }
    client.stage = 'open';
    this.#connection = new EmbeddedConnection(this.#shared, client, channel);
    this.#endOpening();
    this.#login.onOpen();
    this.#pass.leave();
    this.#reportSlowPath(client);
    this.#opened.resolve(this.#connection);
  }

  /** Reports only for the first connection, because it is the same for all. */
  #reportSlowPath({ ssh }: EmbeddedClient): void {
    const { onDetail, settings } = this.#shared;
    this.#shared.onDetail = undefined;
    const note = slowPathNote(ssh, settings);
    if (note !== undefined) onDetail?.(note);
  }

  #onError(client: EmbeddedClient, error: Error): void {
    // These errors concern one authentication method, after which ssh2 tries the next one.
    if (isLevel(error, 'agent') || isLevel(error, 'client-authentication')) return;
    this.#onEnd(client, error);
  }

  #onEnd(client: EmbeddedClient, error: unknown): void {
    if (this.#connection !== undefined) this.#connection.onEnd(error);
    else if (!this.#isOver) this.#fail(this.#refusedCredential(client, error) ?? this.#lostError(client, error));
  }

  #lostError(client: EmbeddedClient, error: unknown): CopyError {
    // Nobody has answered yet, so that it is as if the server could not be reached.
    if (error instanceof ProxyCommandError && client.stage === 'identification') {
      return dialError(error, client.target, this.#mayRetry && !error.isNotFound);
    }
    if (isNoMatch(error)) {
      return noCommonAlgorithm(error, client.target, this.#shared.settings.algorithms, client.offer);
    }
    return client.lostError(error);
  }

  /**
   * The error where the server hangs up because of too many failures, as sshd does after MaxAuthTries, with reason 2
   * and "Too many authentication failures". Undefined for any other end.
   */
  #refusedCredential({ stage }: EmbeddedClient, error: unknown): CopyError | undefined {
    if (stage !== 'authentication' || !(error instanceof Error)) return undefined;
    if (!/(too many|maximum).*(auth|login)/i.test(error.message)) return undefined;
    return this.#login.refusal();
  }

  /** Ends the attempt, or the open connection, with `error`. Every failure comes here; only the first one counts. */
  #fail(error: CopyError): void {
    if (this.#connection !== undefined) return this.#connection.fail(error);
    if (this.#isOver) return;
    this.#endOpening();
    const failure = this.#login.onFailure(error);
    const reason = this.#pass.leave(failure) ?? failure;
    const closed = this.#client?.hangUp(FAIL_GRACE_MS) ?? Promise.resolve();
    void closed.then(() => this.#opened.reject(reason));
  }

  #endOpening(): void {
    this.#deadline.end();
    this.#opening.abort();
  }
}

function algorithmsOf(settings: SshSettings, serverHostKey: readonly string[]): Algorithms {
  const { ciphers, macs, keyExchange } = settings.algorithms;
  // A server that compresses nothing is used without compression, as by ssh.
  const compress = settings.compression ? ['zlib@openssh.com', 'zlib', 'none'] : ['none'];
  const lists = { cipher: ciphers, hmac: macs, kex: keyExchange, serverHostKey, compress };
  // The names were checked against our own lists, which the declared type repeats.
  return lists as unknown as Algorithms;
}
