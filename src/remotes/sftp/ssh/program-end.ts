/** Observes how the program behind a channel of ssh2 ends, and what it prints to its error output. */
import type { ClientChannel } from 'ssh2';
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { readableText } from '../codec/readable-text.ts';
import type { ProgramEnd } from './ssh-connection.ts';

const STDERR_TAIL = 600;

/**
 * Listens from its construction on. It always reads the error output, because unread output would fill the window and
 * block the program.
 */
export class ProgramWatch {
  #status: number | undefined;
  #signal: string | undefined;
  #stderr: Buffer = Buffer.alloc(0);
  #hasEnded = false;
  readonly #ended: Promise<void>;

  /**
   * @param isGone whether the connection has ended; the end of the channel then says nothing about the program
   * @param gone resolves when the connection has ended
   */
  constructor(channel: ClientChannel, isGone: () => boolean, gone: Promise<unknown>) {
    channel.on('exit', (code: unknown, signal: unknown) => {
      if (typeof code === 'number') this.#status = code;
      if (typeof signal === 'string') this.#signal = signal;
      this.#hasEnded = true;
    });
    channel.stderr.on('error', () => {});
    channel.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = Buffer.concat([this.#stderr, chunk]).subarray(-STDERR_TAIL);
    });
    const closed = new Promise<void>((resolve) => {
      channel.once('close', () => {
        this.#hasEnded ||= !isGone();
        resolve();
      });
    });
    this.#ended = Promise.race([closed, gone.then(() => {})]);
  }

  get now(): ProgramEnd {
    return { hasEnded: this.#hasEnded, status: this.#status, signal: this.#signal, stderr: this.#stderr };
  }

  /** {@inheritDoc SshConnection.programEnd} */
  async end(ms: number): Promise<ProgramEnd> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([this.#ended, late]);
    clearTimeout(timer);
    return this.now;
  }
}

/** The error for an sftp subsystem that ended while it was used. */
export function subsystemEnd({ status, signal, stderr }: ProgramEnd, target: string): CopyError {
  const how = status !== undefined ? ` with status ${status}` : signal !== undefined ? ` by ${cleanText(signal)}` : '';
  const text = readableText(stderr.subarray(-200));
  const said = text === '' ? '' : `: ${text}`;
  return new CopyError('connection-lost', `The sftp subsystem of ${target} ended${how}${said}.`);
}
