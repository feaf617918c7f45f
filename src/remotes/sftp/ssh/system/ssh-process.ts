/** Runs the ssh program of the system. */
import { type ChildProcessWithoutNullStreams, type SpawnOptions, spawn } from 'node:child_process';
import { CopyError } from '../../../../errors.ts';
import { type Deferred, deferred } from '../../../../util/deferred.ts';
import { inTime } from '../../../../util/in-time.ts';
import { hasStreams } from '../child-stream.ts';
import { timeoutError } from '../connection-errors.ts';
import { PatientDeadline } from '../patient-deadline.ts';
import { childEnvironment } from '../ssh-environment.ts';
import { ErrorOutput, type SshStage } from './error-output.ts';
import { sshFailure } from './ssh-failure.ts';
import { optionsFor, type SystemSpec } from './system-spec.ts';

/** The status with which ssh ends after a failure of its own (ssh(1), EXIT STATUS). */
const OWN_FAILURE = 255;
/** How long messages wait for the end of the program: those of a failure are part of its error. */
const MESSAGE_DELAY_MS = 300;
/** So many messages are passed on at most. */
const MAX_MESSAGES = 100;
/** How long each step of {@link SshProcess.hangUp} may take after its grace. */
const STEP_MS = 500;

/** Ctrl-C on a terminal reaches all programs there. It is for this program alone, which ends the others when it is done. */
const IGNORE_INTERRUPT = 'trap "" INT; exec "$@"';
/** How long a signature may take, for which a person may have to confirm something. */
const SIGN_MS = 120_000;
/** At these stages, ssh may ask the user. */
const ASKING: ReadonlySet<SshStage> = new Set(['host key', 'authentication']);

export interface SshProcessOptions {
  readonly spec: SystemSpec;
  /** Before the host. */
  readonly arguments?: readonly string[];
  /** After the host. */
  readonly command: string;
  /** Whether ssh may ask the user on the terminal. */
  readonly mayAsk: boolean;
  /** Whether a server is known to be there. */
  readonly mayRetry: () => boolean;
  /** Gets messages of ssh and of the server, one line each, not cleaned. */
  readonly onMessage?: ((line: string) => void) | undefined;
  /** Called when somebody has to touch a key. */
  readonly onTouch?: (() => void) | undefined;
}

/**
 * One run of ssh. Where it may not ask, it has no terminal, so that neither it nor a program that it starts can.
 *
 * States: connecting, authenticated, ended; it may end at any time.
 */
export class SshProcess {
  readonly child: ChildProcessWithoutNullStreams;
  readonly output: ErrorOutput;
  /**
   * Resolves when the server has logged the connection in; rejects when ssh ends before that, or takes too long where
   * it does not ask.
   */
  readonly authenticated: Promise<void>;
  /**
   * Resolves when the program has ended and all its output was read: with the status of the command on the server,
   * undefined where ssh ended because the connection did. Never rejects.
   */
  readonly ended: Promise<number | undefined>;
  readonly #options: SshProcessOptions;
  readonly #ended: Deferred<number | undefined> = deferred();
  readonly #onLate: (ms: number) => void;
  #deadline: PatientDeadline;
  #messages: string[] = [];
  #shown = 0;
  #late: NodeJS.Timeout | undefined;

  /** @throws {CopyError} `connection-failed`: when no further program can be started */
  constructor(options: SshProcessOptions) {
    this.#options = options;
    const { spec, mayRetry, onTouch } = options;
    const authenticated = deferred<void>();
    this.authenticated = authenticated.promise;
    // The failure is reported where the promise is awaited, which need not be the case.
    this.authenticated.catch(() => {});
    this.ended = this.#ended.promise;
    this.#onLate = (ms) => {
      const { stage } = this.output;
      const reached = stage === 'start' || stage === 'open' ? 'TCP' : stage === 'host key' ? 'key exchange' : stage;
      authenticated.reject(timeoutError(reached, spec.target, ms, mayRetry()));
    };
    this.#deadline = this.#deadlineOf(spec.connectTimeoutMs);
    let before: SshStage = 'start';
    this.output = new ErrorOutput(
      {
        onMessage: (line) => this.#addMessage(line),
        onAuthenticated: () => {
          this.#deadline.end();
          authenticated.resolve();
        },
        onSigning: (isTouch) => {
          this.#waitForSignature();
          if (isTouch) onTouch?.();
        },
        onProgress: () => {
          const { stage } = this.output;
          // A person needs more time than a server.
          if (this.#mayBeAsking) this.#deadline.end();
          // A banner without end is no progress.
          else if (stage !== before) this.#deadline.restart();
          before = stage;
        },
      },
      spec.isProxied,
    );
    this.child = start(options);
    this.#deadline.restart();
    this.child.stderr.on('data', (bytes: Buffer) => this.output.add(bytes));
    this.child.stdin.on('error', () => {});
    this.child.on('exit', () => this.#closeSoon());
    this.child.on('close', (status) => {
      clearTimeout(this.#late);
      this.#deadline.end();
      authenticated.reject(this.failure);
      this.#ended.resolve(status === null || status < 0 || status === OWN_FAILURE ? undefined : status);
    });
  }

  /** Whether a question may be on the terminal. What is on the way may ask at any time. */
  get #mayBeAsking(): boolean {
    const { spec, mayAsk } = this.#options;
    return mayAsk && (spec.isProxied || ASKING.has(this.output.stage));
  }

  #deadlineOf(ms: number): PatientDeadline {
    return new PatientDeadline(ms, () => this.#onLate(ms));
  }

  #waitForSignature(): void {
    this.#deadline.end();
    if (this.#options.mayAsk) return;
    this.#deadline = this.#deadlineOf(SIGN_MS);
    this.#deadline.restart();
  }

  /** The error for the end of the connection. */
  get failure(): CopyError {
    const { spec, mayRetry } = this.#options;
    return sshFailure(this.output, spec.target, mayRetry());
  }

  /**
   * Closes the input, and ends the program, and those that it has started, if it does not end by itself within
   * `graceMs`. Never rejects.
   */
  async hangUp(graceMs: number): Promise<void> {
    const { child } = this;
    child.stdin.end();
    // What is still to come is not read by anybody, and would keep the program from ending.
    child.stdout.resume();
    await inTime(this.ended, graceMs);
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      if (child.exitCode !== null || child.signalCode !== null) break;
      this.#kill(signal);
      await inTime(this.ended, STEP_MS);
    }
    await inTime(this.ended, 2 * STEP_MS);
  }

  #kill(signal: NodeJS.Signals): void {
    const { child } = this;
    // Without a terminal, it is the first of a group of its own.
    const isGroup = !this.#options.mayAsk && process.platform !== 'win32';
    try {
      if (isGroup && child.pid !== undefined) process.kill(-child.pid, signal);
      else child.kill(signal);
    } catch {
      // It has ended meanwhile.
    }
  }

  /** What it has started may hold its error output open, and never end. */
  #closeSoon(): void {
    const late = setTimeout(() => this.child.stderr.destroy(), STEP_MS);
    void this.ended.then(() => clearTimeout(late));
  }

  #addMessage(line: string): void {
    const { onMessage } = this.#options;
    if (onMessage === undefined || this.output.stage === 'open' || ++this.#shown > MAX_MESSAGES) return;
    // While somebody is asked, what comes before the question is shown before it.
    if (this.#mayBeAsking) return onMessage(line);
    this.#messages.push(line);
    this.#late ??= setTimeout(() => {
      this.#late = undefined;
      for (const message of this.#messages.splice(0)) onMessage(message);
    }, MESSAGE_DELAY_MS);
  }
}

function start(options: SshProcessOptions): ChildProcessWithoutNullStreams {
  const { spec, command, mayAsk } = options;
  const [program, ...words] = spec.program;
  const args = [...words, ...optionsFor(spec, mayAsk), ...(options.arguments ?? []), '--', spec.host, command];
  const env = { ...childEnvironment(), ...(mayAsk ? {} : { SSH_ASKPASS_REQUIRE: 'never' }) };
  const settings: SpawnOptions & { stdio: 'pipe' } = { stdio: 'pipe', env, windowsHide: true };
  const child =
    process.platform !== 'win32' && mayAsk
      ? spawn('/bin/sh', ['-c', IGNORE_INTERRUPT, 'sh', program!, ...args], settings)
      : // In a session of its own, it has no terminal.
        spawn(program!, args, { ...settings, detached: process.platform !== 'win32' });
  child.on('error', () => {});
  if (hasStreams(child)) return child;
  throw new CopyError('connection-failed', `${program} cannot be started: too many files are open.`, {
    advice: 'Use fewer connections (-n), or allow more open files (ulimit -n).',
  });
}
