/** One connection by ssh2, from the dial to the hang-up. */
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
import { fastOutlet } from './fast-outlet.ts';
import type { GatePass } from './first-connection-gate.ts';
import { hangUp } from './hang-up.ts';
import { Identification } from './identification.ts';
import { Login } from './login.ts';
import { PatientDeadline } from './patient-deadline.ts';
import { ProgramWatch } from './program-end.ts';
import type { SharedState } from './shared-state.ts';
import { slowPathNote } from './slow-path.ts';
import type { ExecChannel, ProgramEnd, SshConnection } from './ssh-connection.ts';
import { maxPacketOf, onAuthenticationFailure, retireChannel } from './ssh2-internals.ts';

/** Less than this is no limit but nonsense. */
const minPacket = 512;
const closeGraceMs = 1000;
const failGraceMs = 200;

export class ConnectionAttempt {
  private readonly shared: SharedState;
  private readonly signal: AbortSignal;
  private readonly onAdmitted: () => void;
  private readonly target: string;
  private readonly deadline: PatientDeadline;
  private readonly dialling = new AbortController();
  private readonly pass: GatePass;
  private readonly login: Login;
  private stage: Stage = 'identification';
  private isKnown = false;
  private isOpen = false;
  private over = false;
  private socket: Socket | undefined;
  private client: Client | undefined;
  private channel: ClientChannel | undefined;
  private identification: Identification | undefined;
  private hostKey: Uint8Array | undefined;
  private opened: (connection: SshConnection) => void = () => {};
  private rejected: (error: CopyError) => void = () => {};
  private gone: (reason: CopyError | undefined) => void = () => {};

  constructor(shared: SharedState, signal: AbortSignal, onAdmitted: () => void) {
    const { host, port, connectTimeoutMs } = shared.settings;
    this.shared = shared;
    this.signal = signal;
    this.onAdmitted = onAdmitted;
    this.target = cleanText(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
    this.deadline = new PatientDeadline(connectTimeoutMs, () => {
      const stage = this.socket === undefined ? 'TCP' : this.stage;
      const said = stage === 'identification' ? (this.identification?.greeting ?? '') : '';
      this.fail(timeoutError(stage, this.target, connectTimeoutMs, this.mayRetry, said));
    });
    this.pass = shared.gate.enter((error) => this.fail(error));
    this.login = new Login(shared, this.pass, this.deadline);
  }

  /** To be called once. Rejects when nothing of the attempt is left. */
  open(): Promise<SshConnection> {
    return new Promise((resolve, reject) => {
      this.opened = resolve;
      this.rejected = reject;
      this.signal.addEventListener('abort', this.abort, { once: true });
      this.deadline.restart();
      if (this.signal.aborted) this.abort();
      else this.connect().catch((error: unknown) => this.fail(CopyError.from(error)));
    });
  }

  private readonly abort = (): void => this.fail(cancelledError());

  private async connect(): Promise<void> {
    const hostKeyAlgorithms = await this.shared.policy.algorithms();
    this.isKnown = await this.shared.policy.isKnownHost();
    if (this.over) return;
    try {
      this.socket = await dial(this.shared.settings, this.dialling.signal);
    } catch (error) {
      return this.fail(dialError(error, this.target, this.mayRetry));
    }
    this.shared.hasReached = true;
    if (this.over) {
      this.socket.destroy();
      return;
    }
    const client = new ssh2.Client();
    this.client = client;
    client.on('error', (error) => this.onError(error));
    client.on('end', () => this.lost(undefined));
    client.on('close', () => this.lost(undefined));
    client.on('handshake', () => this.onHandshake());
    client.on('ready', () => this.onReady(client));
    client.on('change password', () => {
      const advice = 'Log in once with ssh and set a new one.';
      this.fail(new CopyError('authentication-failed', `${this.target} wants the password changed.`, { advice }));
    });
    const { user } = this.shared.settings;
    try {
      client.connect({
        sock: this.socket,
        username: user,
        // The clock is ours: it must not run while a person is asked.
        readyTimeout: 0,
        algorithms: this.algorithms(hostKeyAlgorithms),
        hostVerifier: (blob: Buffer, verify: (right: boolean) => void) => this.verifyHostKey(blob, verify),
        authHandler: (methods, partial, next) => void this.authenticate(methods, partial, next),
      });
    } catch (error) {
      return this.fail(CopyError.from(error, 'usage'));
    }
    this.identification = new Identification(this.socket, {
      identified: () => {
        this.stage = 'key exchange';
      },
      somethingElse: (what) => this.fail(noSshError(what, this.target, this.shared.credential !== undefined)),
    });
    onAuthenticationFailure(client, (methods, partialSuccess) => this.login.answered(methods, partialSuccess));
  }

  /** Nothing there, and nothing that tells of a server: most likely a wrong name or port, which stays wrong. */
  private get mayRetry(): boolean {
    return this.isKnown || this.shared.hasReached === true;
  }

  private algorithms(serverHostKey: readonly string[]): Algorithms {
    const { ciphers, macs, keyExchange } = this.shared.settings.algorithms;
    const lists = { cipher: ciphers, hmac: macs, kex: keyExchange, serverHostKey, compress: ['none'] };
    // The names were checked against our own lists, which the declared type spells out once more.
    return lists as unknown as Algorithms;
  }

  /**
   * Called again for every new key exchange. Data is under way then, and ssh2 sends it between the old keys and the new
   * unless the same key as before is answered at once: by what is returned, as it counts its steps wrong otherwise.
   */
  private verifyHostKey(blob: Buffer, verify: (right: boolean) => void): true | undefined {
    if (this.hostKey !== undefined && Buffer.compare(this.hostKey, blob) === 0) return true;
    void this.checkHostKey(Buffer.from(blob), verify);
    return undefined;
  }

  private async checkHostKey(blob: Buffer, verify: (right: boolean) => void): Promise<void> {
    const { shared } = this;
    try {
      const role = await this.deadline.during(this.pass.turn('host-key'));
      const accepted = this.hostKey ?? shared.hostKey?.blob;
      if (accepted !== undefined) {
        await shared.policy.checkAgain(blob, accepted);
      } else {
        const verdict = await this.deadline.during(shared.policy.check(blob));
        if (this.over) return;
        shared.hostKey = { ...verdict, blob };
      }
      if (this.over) return;
      this.hostKey = blob;
      if (role === 'first') this.pass.hostKeyAccepted();
      verify(true);
    } catch (error) {
      this.fail(CopyError.from(error));
    }
  }

  private onHandshake(): void {
    if (this.stage === 'key exchange') this.deadline.restart();
  }

  private async authenticate(
    methods: AuthenticationType[] | null,
    partial: boolean | null,
    next: NextAuthHandler,
  ): Promise<void> {
    try {
      const method = await this.login.next(methods ?? undefined, partial === true);
      if (this.over || method === undefined) return;
      this.stage = 'authentication';
      this.deadline.restart();
      next(method);
    } catch (error) {
      this.fail(CopyError.from(error));
    }
  }

  private onReady(client: Client): void {
    if (this.over) return;
    this.stage = 'sftp';
    this.onAdmitted();
    this.login.admitted();
    this.deadline.restart();
    try {
      client.subsys('sftp', (error, channel) => {
        if (error !== undefined || this.over) this.fail(this.channelError(error));
        else this.onChannel(client, channel);
      });
    } catch (error) {
      this.lost(error);
    }
  }

  /** proftpd lets everybody in and refuses the channel to those who are too many. */
  private channelError(error: Error | undefined): CopyError {
    const reason = cleanText(error?.message ?? 'no channel').slice(0, 300);
    if (this.login.isFirst && error !== undefined && /unable to start subsystem/i.test(error.message)) {
      return new CopyError('subsystem-missing', `${this.target} has no sftp subsystem.`, { cause: error });
    }
    return new CopyError('connection-refused', `${this.target} gave no sftp channel: ${reason}.`, { cause: error });
  }

  private onChannel(client: Client, channel: ClientChannel): void {
    if ((maxPacketOf(channel) ?? minPacket) < minPacket) {
      retireChannel(channel);
      return this.fail(new CopyError('protocol', `${this.target} takes no packets of a useful size.`));
    }
    this.channel = channel;
    this.stage = 'open';
    this.isOpen = true;
    this.shared.open++;
    this.endOpening();
    this.login.opened();
    this.pass.leave();
    const closed = new Promise<CopyError | undefined>((resolve) => {
      this.gone = resolve;
    });
    const program = new ProgramWatch(channel, () => this.over, closed);
    channel.on('error', () => {});
    channel.on('close', () => this.lost(undefined, this.subsystemEnd(program.now)));
    this.tellSlowPath(client);
    const software = this.identification?.software ?? '';
    const outlet = this.shared.settings.fastPath ? fastOutlet(client, channel, this.socket!) : undefined;
    const exec = (command: string): Promise<ExecChannel> => execOn(client, command);
    const programEnd = (ms: number): Promise<ProgramEnd> => program.end(ms);
    this.opened({ software, sftp: channel, outlet, closed, exec, programEnd, close: () => this.close() });
  }

  private subsystemEnd({ status, signal, stderr }: ProgramEnd): CopyError {
    const how =
      status !== undefined ? ` with status ${status}` : signal !== undefined ? ` by ${cleanText(signal)}` : '';
    const text = readableText(stderr.subarray(-200));
    const said = text === '' ? '' : `: ${text}`;
    return new CopyError('connection-lost', `The sftp subsystem of ${this.target} ended${how}${said}.`);
  }

  private onError(error: Error): void {
    // These are answers to one method; what follows decides.
    if (isLevel(error, 'agent') || isLevel(error, 'client-authentication')) return;
    this.lost(error);
  }

  private lost(error: unknown, reason?: CopyError): void {
    if (this.channel !== undefined) retireChannel(this.channel);
    if (this.over) return;
    this.fail(
      reason ??
        this.refusedCredential(error) ??
        lostError(error, this.stage, this.target, this.identification?.greeting ?? ''),
    );
  }

  /** sshd hangs up after MaxAuthTries failures, with reason 2 and "Too many authentication failures"; others alike. */
  private refusedCredential(error: unknown): CopyError | undefined {
    if (this.stage !== 'authentication' || !(error instanceof Error)) return undefined;
    if (!/(too many|maximum).*(auth|login)/i.test(error.message)) return undefined;
    return this.login.refusal();
  }

  /** The one end of everything that goes wrong, before and after the connection is open. */
  private fail(error: CopyError): void {
    if (this.over) return;
    this.over = true;
    this.endOpening();
    this.dialling.abort();
    this.notOpen();
    const failure = this.login.failed(error);
    const reason = this.pass.leave(failure) ?? failure;
    this.gone(reason);
    void this.hangUp(failGraceMs).then(() => this.rejected(reason));
  }

  private async close(): Promise<void> {
    const wasOver = this.over;
    this.over = true;
    this.notOpen();
    await this.hangUp(closeGraceMs);
    if (!wasOver) this.gone(undefined);
  }

  /** Of the first connection alone: it is the same with all. */
  private tellSlowPath(client: Client): void {
    const { detail, settings } = this.shared;
    this.shared.detail = undefined;
    const note = slowPathNote(client, settings.fastPath);
    if (note !== undefined) detail?.(note);
  }

  private notOpen(): void {
    if (this.isOpen) this.shared.open--;
    this.isOpen = false;
  }

  private endOpening(): void {
    this.deadline.end();
    this.signal.removeEventListener('abort', this.abort);
  }

  private hangUp(graceMs: number): Promise<void> {
    if (this.socket === undefined) return Promise.resolve();
    return hangUp(this.stage === 'identification' ? undefined : this.client, this.socket, graceMs);
  }
}
