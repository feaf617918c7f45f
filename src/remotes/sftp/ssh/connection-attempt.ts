/** One attempt to open a connection by ssh2, from the TCP connection to what it is used for. */
import type { Algorithms, AuthenticationType, ConnectConfig, NextAuthHandler } from 'ssh2';
import { CopyError } from '../../../errors.ts';
import { type Deferred, deferred } from '../../../util/deferred.ts';
import type { ClientUse, OpenedClient } from './client-use.ts';
import { cancelledError, dialError, isLevel, isNoMatch, noSshError, timeoutError } from './connection-errors.ts';
import type { Dialled } from './dial.ts';
import { EmbeddedClient } from './embedded-client.ts';
import type { GatePass } from './first-connection-gate.ts';
import { FAIL_GRACE_MS } from './hang-up.ts';
import { HostKeyCheck } from './host-key-check.ts';
import { Login } from './login.ts';
import { noCommonAlgorithm } from './no-common-algorithm.ts';
import { PatientDeadline } from './patient-deadline.ts';
import { ProxyCommandError } from './proxy-command.ts';
import type { SharedState } from './shared-state.ts';
import type { SshSettings } from './ssh-settings.ts';
import { onAuthenticationFailure, signWithoutAsking } from './ssh2-internals.ts';

/**
 * One attempt to connect and log in.
 *
 * It fails when the server does not answer in time, refuses, sends something unexpected, shows an unknown key or ends
 * the connection at any moment, and when the signal is aborted. Every failure ends in `fail`, which counts only once.
 * When the attempt has rejected, its socket is closed.
 *
 * States: opening, in the stages that {@link EmbeddedClient} lists; open, from when on every failure is passed on to
 * what resulted from it; failed.
 */
export class ConnectionAttempt<T extends OpenedClient> {
  readonly #shared: SharedState;
  readonly #use: ClientUse<T>;
  readonly #onAdmitted: () => void;
  /** Aborted when the attempt is over, because it failed or because the connection is open. */
  readonly #opening = new AbortController();
  readonly #opened: Deferred<T> = deferred();
  readonly #deadline: PatientDeadline;
  readonly #pass: GatePass;
  readonly #login: Login;
  readonly #hostKey: HostKeyCheck;
  #isKnown = false;
  /** Undefined until there is a TCP connection. */
  #client: EmbeddedClient | undefined;
  /** Undefined until it is open. */
  #result: T | undefined;

  constructor(shared: SharedState, use: ClientUse<T>, onAdmitted: () => void) {
    const { settings, target } = shared;
    this.#shared = shared;
    this.#use = use;
    this.#onAdmitted = onAdmitted;
    this.#deadline = new PatientDeadline(settings.connectTimeoutMs, () => {
      const stage = this.#client?.stage ?? 'TCP';
      const said = this.#client?.greeting ?? '';
      this.#fail(timeoutError(stage, target, settings.connectTimeoutMs, this.#mayRetry, said));
    });
    this.#pass = shared.gate.enter((error) => this.#fail(error));
    this.#login = new Login(shared, this.#pass, this.#deadline);
    this.#hostKey = new HostKeyCheck(shared, this.#pass, this.#deadline, {
      isOver: () => this.#result?.isOver ?? this.#isOver,
      fail: (error) => this.#fail(error),
    });
  }

  /**
   * To be called once. Where the attempt fails, rejects when its socket is closed.
   * @param signal aborted to give up the attempt; has no effect on the open connection
   */
  open(signal: AbortSignal): Promise<T> {
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
    const isSocket = settings.proxyCommand === undefined && settings.jump === undefined;
    const hostKeyAlgorithms = await policy.algorithms();
    this.#isKnown = await policy.isKnownHost();
    if (this.#isOver) return;
    let dialled: Dialled;
    try {
      const dialling = this.#shared.dial(this.#opening.signal, settings.fastPath && isSocket);
      // A jump host has deadlines of its own, and may ask the user.
      dialled = await (settings.jump === undefined ? dialling : this.#deadline.during(dialling));
    } catch (error) {
      return this.#fail(error instanceof CopyError ? error : dialError(error, target, this.#mayRetry));
    }
    // A proxy command that has begun has reached nothing yet.
    this.#shared.hasReached ||= isSocket;
    const { stream, reader } = dialled;
    if (this.#isOver) {
      stream.destroy();
      return;
    }
    this.#client = new EmbeddedClient(stream, reader, target);
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
      this.#use.begin(client, this.#login.isFirst, {
        onOpened: (opened) => this.#onOpened(opened),
        onFailed: (error) => this.#fail(error),
      });
    } catch (error) {
      this.#onEnd(client, error);
    }
  }

  #onOpened(opened: T): void {
    // The attempt was given up meanwhile.
    if (this.#isOver) return opened.fail(cancelledError());
    this.#result = opened;
    this.#endOpening();
    this.#login.onOpen();
    this.#pass.leave();
    this.#opened.resolve(opened);
  }

  #onError(client: EmbeddedClient, error: Error): void {
    // These errors concern one authentication method, after which ssh2 tries the next one.
    if (isLevel(error, 'agent') || isLevel(error, 'client-authentication')) return;
    this.#onEnd(client, error);
  }

  #onEnd(client: EmbeddedClient, error: unknown): void {
    if (this.#result !== undefined) this.#result.onEnd(error);
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
    if (this.#result !== undefined) return this.#result.fail(error);
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
