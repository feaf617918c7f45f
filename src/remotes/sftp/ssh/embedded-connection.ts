/** One connection by ssh2, from opening the TCP connection to closing it. */
import type { Socket } from 'node:net';
import ssh2, {
  type Algorithms,
  type AuthenticationType,
  type Client,
  type ClientChannel,
  type NextAuthHandler,
} from 'ssh2';
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { readableText } from '../codec/readable-text.ts';
import {
  cancelledError,
  dialError,
  isLevel,
  lostError,
  noSshError,
  type Stage,
  timeoutError,
} from './connection-errors.ts';
import { dial } from './dial.ts';
import { execOn } from './exec-channel.ts';
import { fastInlet } from './fast-inlet.ts';
import { fastOutlet } from './fast-outlet.ts';
import type { GatePass } from './first-connection-gate.ts';
import { hangUp } from './hang-up.ts';
import { HostKeyCheck } from './host-key-check.ts';
import { Identification } from './identification.ts';
import { Login } from './login.ts';
import { PatientDeadline } from './patient-deadline.ts';
import { ProgramWatch } from './program-end.ts';
import type { SharedState } from './shared-state.ts';
import { slowPathNote } from './slow-path.ts';
import { SocketReader } from './socket-reader.ts';
import type { ExecChannel, ProgramEnd, SshConnection } from './ssh-connection.ts';
import { maxPacketOf, onAuthenticationFailure, retireChannel } from './ssh2-internals.ts';

/** The smallest packet size that a server may ask for, in bytes. Less cannot be meant seriously. */
const MIN_PACKET = 512;
/** How long {@link hangUp} waits for the socket to close, after a regular end and after a failure. */
const CLOSE_GRACE_MS = 1000;
const FAIL_GRACE_MS = 200;

/**
 * One attempt to connect and log in, and the connection that results from it.
 *
 * It fails when the server does not answer in time, refuses, sends something unexpected, shows an unknown key or ends
 * the connection at any moment, and when the signal is aborted. Every failure ends in `fail`, which counts only once.
 * When the attempt has rejected, its socket is closed.
 *
 * The stage says how far it has come: `identification` (TCP included), `key exchange`, `authentication`, `sftp` (the
 * subsystem is being started), `open`.
 */
export class ConnectionAttempt {
  readonly #shared: SharedState;
  readonly #signal: AbortSignal;
  readonly #onAdmitted: () => void;
  readonly #target: string;
  readonly #deadline: PatientDeadline;
  readonly #dialling = new AbortController();
  /** Undefined where the fast path is off. */
  readonly #reader: SocketReader | undefined;
  readonly #pass: GatePass;
  readonly #login: Login;
  readonly #hostKey: HostKeyCheck;
  #stage: Stage = 'identification';
  #isKnown = false;
  #isOpen = false;
  #isOver = false;
  #socket: Socket | undefined;
  #client: Client | undefined;
  #channel: ClientChannel | undefined;
  #identification: Identification | undefined;
  #resolveOpen: (connection: SshConnection) => void = () => {};
  #rejectOpen: (error: CopyError) => void = () => {};
  #resolveClosed: (reason: CopyError | undefined) => void = () => {};

  constructor(shared: SharedState, signal: AbortSignal, onAdmitted: () => void) {
    const { host, port, connectTimeoutMs } = shared.settings;
    this.#shared = shared;
    this.#signal = signal;
    this.#onAdmitted = onAdmitted;
    this.#target = cleanText(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
    this.#deadline = new PatientDeadline(connectTimeoutMs, () => {
      const stage = this.#socket === undefined ? 'TCP' : this.#stage;
      const said = stage === 'identification' ? (this.#identification?.greeting ?? '') : '';
      this.#fail(timeoutError(stage, this.#target, connectTimeoutMs, this.#mayRetry, said));
    });
    this.#reader = shared.settings.fastPath ? new SocketReader() : undefined;
    this.#pass = shared.gate.enter((error) => this.#fail(error));
    this.#login = new Login(shared, this.#pass, this.#deadline);
    this.#hostKey = new HostKeyCheck(shared, this.#pass, this.#deadline, {
      isOver: () => this.#isOver,
      fail: (error) => this.#fail(error),
    });
  }

  /** To be called once. Where the attempt fails, rejects when its socket is closed. */
  open(): Promise<SshConnection> {
    return new Promise((resolve, reject) => {
      this.#resolveOpen = resolve;
      this.#rejectOpen = reject;
      this.#signal.addEventListener('abort', this.#abort, { once: true });
      this.#deadline.restart();
      if (this.#signal.aborted) this.#abort();
      else this.#connect().catch((error: unknown) => this.#fail(CopyError.from(error)));
    });
  }

  readonly #abort = (): void => this.#fail(cancelledError());

  async #connect(): Promise<void> {
    const hostKeyAlgorithms = await this.#shared.policy.algorithms();
    this.#isKnown = await this.#shared.policy.isKnownHost();
    if (this.#isOver) return;
    try {
      this.#socket = await dial(this.#shared.settings, this.#dialling.signal, this.#reader);
    } catch (error) {
      return this.#fail(dialError(error, this.#target, this.#mayRetry));
    }
    this.#shared.hasReached = true;
    if (this.#isOver) {
      this.#socket.destroy();
      return;
    }
    const client = new ssh2.Client();
    this.#client = client;
    client.on('error', (error) => this.#onError(error));
    client.on('end', () => this.#onEnd(undefined));
    client.on('close', () => this.#onEnd(undefined));
    client.on('handshake', () => this.#onHandshake());
    client.on('ready', () => this.#onReady(client));
    client.on('change password', () => {
      const advice = 'Log in once with ssh and set a new one.';
      this.#fail(new CopyError('authentication-failed', `${this.#target} wants the password changed.`, { advice }));
    });
    const { user } = this.#shared.settings;
    try {
      client.connect({
        sock: this.#socket,
        username: user,
        // `deadline` is used instead, because the time must not run while a person is asked.
        readyTimeout: 0,
        algorithms: this.#algorithms(hostKeyAlgorithms),
        hostVerifier: (blob: Buffer, verify: (right: boolean) => void) => this.#hostKey.verify(blob, verify),
        authHandler: (methods, partial, next) => void this.#authenticate(methods, partial, next),
      });
    } catch (error) {
      return this.#fail(CopyError.from(error, 'usage'));
    }
    this.#identification = new Identification(this.#socket, {
      onIdentified: () => {
        this.#stage = 'key exchange';
      },
      onSomethingElse: (what) => this.#fail(noSshError(what, this.#target, this.#shared.credential !== undefined)),
    });
    onAuthenticationFailure(client, (methods, partialSuccess) => this.#login.onAnswer(methods, partialSuccess));
  }

  /**
   * Whether a failure to reach the server may be temporary. Where the server was never reached and its key is not
   * known, the name or the port is most likely wrong, which another attempt does not change.
   */
  get #mayRetry(): boolean {
    return this.#isKnown || this.#shared.hasReached === true;
  }

  #algorithms(serverHostKey: readonly string[]): Algorithms {
    const { ciphers, macs, keyExchange } = this.#shared.settings.algorithms;
    const lists = { cipher: ciphers, hmac: macs, kex: keyExchange, serverHostKey, compress: ['none'] };
    // The names were checked against our own lists, which the declared type repeats.
    return lists as unknown as Algorithms;
  }

  #onHandshake(): void {
    if (this.#stage === 'key exchange') this.#deadline.restart();
  }

  async #authenticate(
    methods: AuthenticationType[] | null,
    partial: boolean | null,
    next: NextAuthHandler,
  ): Promise<void> {
    try {
      const method = await this.#login.next(methods ?? undefined, partial === true);
      if (this.#isOver || method === undefined) return;
      this.#stage = 'authentication';
      this.#deadline.restart();
      next(method);
    } catch (error) {
      this.#fail(CopyError.from(error));
    }
  }

  #onReady(client: Client): void {
    if (this.#isOver) return;
    this.#stage = 'sftp';
    this.#onAdmitted();
    this.#login.onAdmitted();
    this.#deadline.restart();
    try {
      client.subsys('sftp', (error, channel) => {
        if (error !== undefined || this.#isOver) this.#fail(this.#channelError(error));
        else this.#onChannel(client, channel);
      });
    } catch (error) {
      this.#onEnd(error);
    }
  }

  /**
   * proftpd with too many clients accepts the login and refuses the channel, so that this counts as a refused
   * connection.
   */
  #channelError(error: Error | undefined): CopyError {
    const reason = cleanText(error?.message ?? 'no channel').slice(0, 300);
    if (this.#login.isFirst && error !== undefined && /unable to start subsystem/i.test(error.message)) {
      return new CopyError('subsystem-missing', `${this.#target} has no sftp subsystem.`, { cause: error });
    }
    return new CopyError('connection-refused', `${this.#target} opened no sftp channel: ${reason}.`, { cause: error });
  }

  #onChannel(client: Client, channel: ClientChannel): void {
    if ((maxPacketOf(channel) ?? MIN_PACKET) < MIN_PACKET) {
      retireChannel(channel);
      return this.#fail(new CopyError('protocol', `${this.#target} accepts no packets of a useful size.`));
    }
    this.#channel = channel;
    this.#stage = 'open';
    this.#isOpen = true;
    this.#shared.open++;
    this.#endOpening();
    this.#login.onOpen();
    this.#pass.leave();
    const closed = new Promise<CopyError | undefined>((resolve) => {
      this.#resolveClosed = resolve;
    });
    const program = new ProgramWatch(channel, () => this.#isOver, closed);
    channel.on('error', () => {});
    channel.on('close', () => this.#onEnd(undefined, this.#subsystemEnd(program.now)));
    this.#reportSlowPath(client);
    const software = this.#identification?.software ?? '';
    const reader = this.#reader;
    const inlet = reader && fastInlet(client, channel, reader);
    const outlet = reader && fastOutlet(client, channel, this.#socket!, () => inlet?.onRequest());
    const exec = (command: string): Promise<ExecChannel> => execOn(client, command);
    const programEnd = (ms: number): Promise<ProgramEnd> => program.end(ms);
    this.#resolveOpen({ software, sftp: channel, outlet, inlet, closed, exec, programEnd, close: () => this.#close() });
  }

  #subsystemEnd({ status, signal, stderr }: ProgramEnd): CopyError {
    const how =
      status !== undefined ? ` with status ${status}` : signal !== undefined ? ` by ${cleanText(signal)}` : '';
    const text = readableText(stderr.subarray(-200));
    const said = text === '' ? '' : `: ${text}`;
    return new CopyError('connection-lost', `The sftp subsystem of ${this.#target} ended${how}${said}.`);
  }

  #onError(error: Error): void {
    // These errors concern one authentication method, after which ssh2 tries the next one.
    if (isLevel(error, 'agent') || isLevel(error, 'client-authentication')) return;
    this.#onEnd(error);
  }

  #onEnd(error: unknown, reason?: CopyError): void {
    if (this.#channel !== undefined) retireChannel(this.#channel);
    if (this.#isOver) return;
    this.#fail(
      reason ??
        this.#refusedCredential(error) ??
        lostError(error, this.#stage, this.#target, this.#identification?.greeting ?? ''),
    );
  }

  /**
   * The error where the server hangs up because of too many failures, as sshd does after MaxAuthTries, with reason 2
   * and "Too many authentication failures". Undefined for any other end.
   */
  #refusedCredential(error: unknown): CopyError | undefined {
    if (this.#stage !== 'authentication' || !(error instanceof Error)) return undefined;
    if (!/(too many|maximum).*(auth|login)/i.test(error.message)) return undefined;
    return this.#login.refusal();
  }

  /** Ends the attempt, or the open connection, with `error`. Every failure comes here; only the first one counts. */
  #fail(error: CopyError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#endOpening();
    this.#dialling.abort();
    this.#uncount();
    const failure = this.#login.onFailure(error);
    const reason = this.#pass.leave(failure) ?? failure;
    this.#resolveClosed(reason);
    void this.#hangUp(FAIL_GRACE_MS).then(() => this.#rejectOpen(reason));
  }

  async #close(): Promise<void> {
    const wasOver = this.#isOver;
    this.#isOver = true;
    this.#uncount();
    await this.#hangUp(CLOSE_GRACE_MS);
    if (!wasOver) this.#resolveClosed(undefined);
  }

  /** Reports only for the first connection, because it is the same for all. */
  #reportSlowPath(client: Client): void {
    const { onDetail, settings } = this.#shared;
    this.#shared.onDetail = undefined;
    const note = slowPathNote(client, settings.fastPath);
    if (note !== undefined) onDetail?.(note);
  }

  #uncount(): void {
    if (this.#isOpen) this.#shared.open--;
    this.#isOpen = false;
  }

  #endOpening(): void {
    this.#deadline.end();
    this.#signal.removeEventListener('abort', this.#abort);
  }

  #hangUp(graceMs: number): Promise<void> {
    if (this.#socket === undefined) return Promise.resolve();
    return hangUp(this.#stage === 'identification' ? undefined : this.#client, this.#socket, graceMs);
  }
}
