/** SSH connections by the ssh program of the system, which knows ways to log in that this program does not. */
import { CopyError } from '../../../../errors.ts';
import { type Deferred, deferred } from '../../../../util/deferred.ts';
import { cancelledError, timeoutError } from '../connection-errors.ts';
import { FirstConnectionGate } from '../first-connection-gate.ts';
import { FAIL_GRACE_MS } from '../hang-up.ts';
import { PatientDeadline } from '../patient-deadline.ts';
import type { ExecChannel, SshConnection, SshTransport } from '../ssh-connection.ts';
import { Questions } from './questions.ts';
import { SshProcess } from './ssh-process.ts';
import { SystemConnection } from './system-connection.ts';
import { systemExec } from './system-exec.ts';
import type { SystemSpec } from './system-spec.ts';

export interface SystemTransportOptions {
  readonly spec: SystemSpec;
  /** Gets messages of ssh and of the server, such as that a key wants to be touched. Not cleaned. */
  readonly onMessage?: (line: string) => void;
}

/**
 * Runs ssh once for each connection. The first one may ask the user on the terminal, and the others begin when it is
 * logged in. They ask nothing, unless the user wants to be asked for each; where that is not possible, there is only
 * the first one.
 */
export class SystemTransport implements SshTransport {
  readonly #options: SystemTransportOptions;
  readonly #gate = new FirstConnectionGate();
  readonly #questions: Questions;
  #hasReached: boolean;
  #isSettled: boolean;

  constructor(options: SystemTransportOptions) {
    const { spec } = options;
    this.#options = options;
    this.#questions = new Questions(!spec.batch, spec.asksForEach);
    this.#isSettled = spec.isSettled;
    this.#hasReached = spec.isSettled;
    if (this.#isSettled) this.#gate.settle();
  }

  get spec(): SystemSpec {
    return { ...this.#options.spec, isSettled: this.#isSettled };
  }

  get identity(): SystemSpec['identity'] {
    return this.#options.spec.identity;
  }

  get keepaliveIntervalMs(): number {
    return this.#options.spec.keepaliveIntervalMs;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /**
   * {@inheritDoc SshTransport.open}
   *
   * @throws {CopyError} also `usage`: when ssh refuses an option or a line of a file; `credential-not-reusable`: when
   *   ssh would have to ask for each connection
   */
  async open(_id: number, signal: AbortSignal, onAdmitted: () => void = () => {}): Promise<SshConnection> {
    this.#questions.expectRepeatable();
    const failed = deferred<never>();
    failed.promise.catch(() => {});
    const abort = (): void => failed.reject(cancelledError());
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const pass = this.#gate.enter(failed.reject);
    let process: SshProcess | undefined;
    let endTurn = (_isLetIn: boolean): void => {};
    try {
      const role = await Promise.race([pass.turn('credential'), failed.promise]);
      const turn = await Promise.race([this.#questions.turn(role === 'first'), failed.promise]);
      endTurn = turn.end;
      process = this.#start(role === 'first', turn.mayAsk, failed);
      const method = await Promise.race([process.authenticated, failed.promise]);
      this.#hasReached = true;
      this.#isSettled = true;
      if (role === 'first') this.#questions.settle(method);
      endTurn(true);
      onAdmitted();
      pass.leave();
      return this.#connection(process);
    } catch (error) {
      endTurn(false);
      const failure = this.#questions.explain(CopyError.from(error), this.#isSettled);
      const reason = pass.leave(failure) ?? failure;
      await process?.hangUp(FAIL_GRACE_MS);
      throw reason;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #start(isFirst: boolean, mayAsk: boolean, failed: Deferred<never>): SshProcess {
    const { spec, onMessage } = this.#options;
    const deadline = new PatientDeadline(spec.connectTimeoutMs, () => {
      const { stage } = process.output;
      const reached = stage === 'start' || stage === 'open' ? 'TCP' : stage;
      failed.reject(timeoutError(reached, spec.target, spec.connectTimeoutMs, this.#hasReached));
    });
    const process = new SshProcess({
      ...{ spec, mayAsk, arguments: ['-s'], command: 'sftp' },
      onMessage: (line) => {
        if (this.#questions.onMessage(line) || isFirst) onMessage?.(line);
      },
      // A person needs more time than a server; until ssh may ask, it has a timeout of its own.
      onProgress: () => (mayAsk ? deadline.end() : deadline.restart()),
      mayRetry: () => this.#hasReached,
    });
    deadline.restart();
    const end = (): void => deadline.end();
    process.authenticated.then(end, end);
    return process;
  }

  #connection(process: SshProcess): SshConnection {
    const { target } = this.#options.spec;
    const connection = new SystemConnection(process, target, (command) => this.#exec(command));
    this.#questions.onOpen(connection.closed);
    return connection;
  }

  #exec(command: string): Promise<ExecChannel> {
    if (this.#questions.asksAgain) {
      return Promise.reject(new CopyError('unsupported', 'ssh would ask again before it runs a command.'));
    }
    return systemExec({ spec: this.#options.spec, command, mayRetry: () => true });
  }
}
