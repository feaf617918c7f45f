/** How the program behind a channel of ssh2 ends, and what it says on its error output. */
import type { ClientChannel } from 'ssh2';
import type { ProgramEnd } from './ssh-connection.ts';

const STDERR_TAIL = 600;

/** Begins to listen when it is made. Reads the error output all the time: what is not read would use up the window. */
export class ProgramWatch {
  #status: number | undefined;
  #signal: string | undefined;
  #stderr: Buffer = Buffer.alloc(0);
  #hasEnded = false;
  readonly #ended: Promise<void>;

  /**
   * @param isGone whether the connection is: then the channel goes with it, and its end says nothing of the program.
   * @param gone resolves when that is so.
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
