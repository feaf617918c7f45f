import { PassThrough } from 'node:stream';
import { CopyError } from '../../../../../src/errors.ts';
import type { ShellConnection } from '../../../../../src/remotes/sftp/digests/shell-session.ts';
import { deferred } from '../../../../../src/util/deferred.ts';

/** The far end of a command on a connection in memory: notes what it is sent, and says what the test wants. */
export class ScriptedShell {
  readonly connection: ShellConnection;
  readonly commands: string[] = [];
  /** What was written, whole. */
  received = '';
  isClosed = false;
  readonly #stdout = new PassThrough();
  readonly #exited = deferred<number | undefined>();
  readonly #gone = deferred<CopyError | undefined>();

  constructor() {
    const stdin = new PassThrough();
    stdin.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
    });
    const channel = {
      stdin,
      stdout: this.#stdout,
      stderrTail: () => 'what it complained of\x1b',
      exited: this.#exited.promise,
      close: () => {
        this.isClosed = true;
        this.exit(undefined);
      },
    };
    this.connection = {
      session: { closed: this.#gone.promise },
      closed: deferred<CopyError | undefined>().promise,
      exec: async (command) => {
        this.commands.push(command);
        return channel;
      },
    };
  }

  say(text: string): void {
    this.#stdout.write(Buffer.from(text, 'latin1'));
  }

  exit(status: number | undefined): void {
    this.#exited.resolve(status);
  }

  /** As when the socket is gone: the command seems to end, too. */
  loseConnection(): void {
    this.exit(undefined);
    this.#gone.resolve(new CopyError('connection-lost', 'gone'));
  }
}
