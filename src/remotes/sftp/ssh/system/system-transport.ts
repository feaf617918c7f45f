/** SSH connections by the ssh program of the system, which knows ways to log in that this program does not. */
import { CopyError } from '../../../../errors.ts';
import { cancelledError } from '../connection-errors.ts';
import { FirstConnectionGate } from '../first-connection-gate.ts';
import { FAIL_GRACE_MS } from '../hang-up.ts';
import type { Interaction } from '../interaction.ts';
import type { ExecChannel, SshConnection, SshTransport } from '../ssh-connection.ts';
import { isRefusal, Questions } from './questions.ts';
import { SshProcess } from './ssh-process.ts';
import { type ExecBeside, SystemConnection } from './system-connection.ts';
import { systemExec } from './system-exec.ts';
import type { SystemSpec } from './system-spec.ts';

export interface SystemTransportOptions {
  readonly spec: SystemSpec;
  /** Gives way while ssh asks on the terminal. Without it, nobody is asked. */
  readonly interaction?: Interaction | undefined;
  /** Gets messages of ssh and of the server, one line each. Not cleaned. */
  readonly onMessage?: (line: string) => void;
}

/** So many messages are shown at most. */
const MAX_SHOWN = 100;

/** What one attempt to open a connection is. */
interface Attempt {
  /** Rejects when it is given up. */
  readonly givenUp: Promise<never>;
  /** Aborted then. */
  readonly signal: AbortSignal;
}

/**
 * Runs ssh once for each connection. The first one tries to log in without a question. If it has to ask on the
 * terminal, the others would have to as well, so that there are none, unless the user wants to be asked for each.
 */
export class SystemTransport implements SshTransport {
  readonly #options: SystemTransportOptions;
  readonly #gate = new FirstConnectionGate();
  readonly #questions: Questions;
  readonly #mayAsk: boolean;
  readonly #shown: Set<string> = new Set();
  #hasReached: boolean;
  #isSettled: boolean;

  constructor(options: SystemTransportOptions) {
    const { spec, interaction } = options;
    this.#options = options;
    this.#mayAsk = !spec.batch && interaction !== undefined;
    this.#questions = new Questions(this.#mayAsk, spec.asksForEach);
    this.#isSettled = spec.isSettled;
    this.#hasReached = spec.isSettled;
    if (!this.#isSettled) return;
    this.#gate.settle();
    this.#questions.settleFree();
  }

  get spec(): SystemSpec {
    // Another thread asks nobody.
    return { ...this.#options.spec, isSettled: this.#isSettled && this.#questions.mayBeFree };
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
    const over = new AbortController();
    const giveUp = (error: CopyError): void => over.abort(error);
    const abort = (): void => giveUp(cancelledError());
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const givenUp = new Promise<never>((_, reject) => {
      if (over.signal.aborted) reject(over.signal.reason);
      over.signal.addEventListener('abort', () => reject(over.signal.reason), { once: true });
    });
    givenUp.catch(() => {});
    const pass = this.#gate.enter(giveUp);
    const attempt = { givenUp, signal: over.signal };
    try {
      const role = await Promise.race([pass.turn('credential'), givenUp]);
      const process = await (role === 'first' ? this.#openFirst(attempt) : this.#openFurther(attempt));
      this.#hasReached = true;
      this.#isSettled = true;
      onAdmitted();
      pass.leave();
      return this.#connection(process);
    } catch (error) {
      const failure = CopyError.from(error);
      throw pass.leave(failure) ?? failure;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async #openFirst(attempt: Attempt): Promise<SshProcess> {
    try {
      const process = await this.#logIn(attempt, false);
      this.#questions.settleFree();
      return process;
    } catch (error) {
      const failure = CopyError.from(error);
      if (!this.#mayAsk || !isRefusal(failure)) throw failure;
      const process = await this.#logIn(attempt, true);
      // Where only the host key was asked for, it is known now.
      if (failure.code === 'authentication-failed') this.#questions.settleAsked();
      return process;
    }
  }

  async #openFurther(attempt: Attempt): Promise<SshProcess> {
    const { mayAsk, end } = await this.#questions.turn(attempt.signal);
    try {
      const process = await this.#logIn(attempt, mayAsk);
      end('let in');
      return process;
    } catch (error) {
      const failure = CopyError.from(error);
      end(isRefusal(failure) ? 'refused' : undefined);
      throw this.#questions.explain(failure, mayAsk);
    }
  }

  /** Resolves with a program that is logged in. */
  async #logIn({ givenUp, signal }: Attempt, mayAsk: boolean): Promise<SshProcess> {
    if (signal.aborted) return givenUp;
    const { spec, interaction } = this.#options;
    const process = new SshProcess({
      ...{ spec, mayAsk, arguments: ['-s'], command: 'sftp' },
      // What the first connection shows, the others need not.
      onMessage: this.#isSettled && !mayAsk ? undefined : (line) => this.#show(line),
      onTouch: () => {
        this.#questions.onTouch();
        this.#show('A key may have to be touched now: look whether it blinks.');
      },
      mayRetry: () => this.#hasReached,
    });
    const loggedIn = Promise.race([process.authenticated, givenUp]);
    // The failure is reported where the promise is awaited, which may be later.
    loggedIn.catch(() => {});
    try {
      await (mayAsk ? (interaction?.during?.(loggedIn) ?? loggedIn) : loggedIn);
      return process;
    } catch (error) {
      await process.hangUp(FAIL_GRACE_MS);
      throw error;
    }
  }

  /** What the first connection says twice, because it was made twice, is shown once. */
  #show(line: string): void {
    if (this.#shown.size >= MAX_SHOWN || this.#shown.has(line)) return;
    this.#shown.add(line);
    this.#options.onMessage?.(line);
  }

  #connection(process: SshProcess): SshConnection {
    const connection = new SystemConnection(process, this.#options.spec.target, this.#exec);
    this.#questions.onOpen(connection.closed);
    return connection;
  }

  readonly #exec: ExecBeside = async (command, beside): Promise<ExecChannel> => {
    if (!this.#questions.mayBeFree) {
      throw new CopyError('unsupported', 'ssh would have to ask again before it runs a command.');
    }
    return systemExec({ ...beside, spec: this.#options.spec, command, mayRetry: () => true });
  };
}
