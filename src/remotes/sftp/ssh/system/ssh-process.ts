/** Runs the ssh program of the system. */
import { type ChildProcessWithoutNullStreams, type SpawnOptions, spawn } from 'node:child_process';
import type { CopyError } from '../../../../errors.ts';
import { type Deferred, deferred } from '../../../../util/deferred.ts';
import { childEnvironment } from '../ssh-environment.ts';
import { ErrorOutput } from './error-output.ts';
import { sshFailure } from './ssh-failure.ts';
import { optionsFor, type SystemSpec } from './system-spec.ts';

/** The status with which ssh ends after a failure of its own (ssh(1), EXIT STATUS). */
const OWN_FAILURE = 255;
/** How long a message waits whether it is the last one: those of a failure are part of its error. */
const MESSAGE_DELAY_MS = 300;

/** Ctrl-C on a terminal reaches all programs there. It is for this program alone, which ends the others when it is done. */
const IGNORE_INTERRUPT = 'trap "" INT; exec "$@"';

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
  readonly onProgress?: (() => void) | undefined;
}

/** How an ssh program ended. Both are undefined where it ended because the connection did. */
export interface SshEnd {
  /** The status of the command on the server. */
  readonly status: number | undefined;
}

/**
 * One run of ssh. Where it may not ask, it has no terminal, so that neither it nor a program that it starts can.
 *
 * States: connecting, authenticated, ended; it may end at any time.
 */
export class SshProcess {
  readonly child: ChildProcessWithoutNullStreams;
  readonly output: ErrorOutput;
  /** Resolves with the method when the server has logged the connection in; rejects when ssh ends before that. */
  readonly authenticated: Promise<string>;
  /** Resolves when the program has ended and all its output was read. Never rejects. */
  readonly ended: Promise<SshEnd>;
  readonly #options: SshProcessOptions;
  readonly #ended: Deferred<SshEnd> = deferred();
  #messages: string[] = [];
  #late: NodeJS.Timeout | undefined;

  constructor(options: SshProcessOptions) {
    this.#options = options;
    const authenticated = deferred<string>();
    this.authenticated = authenticated.promise;
    // The failure is reported where the promise is awaited, which need not be the case.
    this.authenticated.catch(() => {});
    this.ended = this.#ended.promise;
    this.output = new ErrorOutput({
      onMessage: (line) => this.#addMessage(line),
      onAuthenticated: authenticated.resolve,
      onProgress: () => options.onProgress?.(),
    });
    this.child = start(options);
    this.child.stderr.on('data', (bytes: Buffer) => this.output.add(bytes));
    this.child.stdin.on('error', () => {});
    this.child.on('error', () => {});
    this.child.on('close', (status) => {
      clearTimeout(this.#late);
      authenticated.reject(this.failure);
      this.#ended.resolve({ status: status === null || status < 0 || status === OWN_FAILURE ? undefined : status });
    });
  }

  /** The error for the end of the connection. */
  get failure(): CopyError {
    const { spec, mayRetry } = this.#options;
    return sshFailure(this.output, spec.target, mayRetry());
  }

  /** Closes the input, and ends the program if it does not end by itself within `graceMs`. Never rejects. */
  async hangUp(graceMs: number): Promise<void> {
    const { child } = this;
    child.stdin.end();
    // What is still to come is not read by anybody, and would keep the program from ending.
    child.stdout.resume();
    const late = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await this.ended;
    clearTimeout(late);
  }

  #addMessage(line: string): void {
    const { onMessage } = this.#options;
    if (onMessage === undefined || this.output.stage === 'open') return;
    this.#messages.push(line);
    clearTimeout(this.#late);
    this.#late = setTimeout(() => {
      for (const message of this.#messages.splice(0)) onMessage(message);
    }, MESSAGE_DELAY_MS);
  }
}

function start(options: SshProcessOptions): ChildProcessWithoutNullStreams {
  const { spec, command, mayAsk } = options;
  const [program, ...words] = spec.program;
  const args = [...words, ...optionsFor(spec, mayAsk), ...(options.arguments ?? []), '--', spec.host, command];
  const settings: SpawnOptions & { stdio: 'pipe' } = { stdio: 'pipe', env: childEnvironment(), windowsHide: true };
  if (process.platform === 'win32') return spawn(program!, args, settings);
  if (mayAsk) return spawn('/bin/sh', ['-c', IGNORE_INTERRUPT, 'sh', program!, ...args], settings);
  // In a session of its own, it has no terminal.
  return spawn(program!, args, { ...settings, detached: true });
}
