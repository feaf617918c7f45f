/** A shell on the server that answers each request with one line. */
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { deferred } from '../../../util/deferred.ts';
import { LineSplitter } from '../../../util/line-splitter.ts';
import { SLOWEST_BYTES_PER_MS } from '../../../util/slowest-server.ts';
import type { ExecChannel } from '../ssh/ssh-connection.ts';
import { MarkerSearch } from './marker-search.ts';
import { noShell } from './no-shell.ts';
import type { DigestConnection } from './path-digester.ts';
import { RequestPipeline } from './request-pipeline.ts';

/** The only command that is ever run. sh, bash, zsh, ksh, csh, tcsh and fish all understand it. */
export const SHELL_COMMAND = 'exec /bin/sh';

/** How long a provider may take to send its greeting. */
export const RECOGNISE_MS = 5000;

/** How long {@link ShellSession.close} waits for the end of the shell. */
const CLOSE_MS = 1000;
/**
 * Where the connection ends, its channels end a moment earlier. How long to wait for the end of the connection, to tell
 * whether it or the shell has ended.
 */
const CONNECTION_END_MS = 50;
const UNASKED = 'The server sent an answer without a request.';

/** The part of a {@link DigestConnection} that a shell needs. */
export interface ShellConnection extends Pick<DigestConnection, 'closed' | 'exec'> {
  readonly session: Pick<DigestConnection['session'], 'closed'>;
}

export interface ShellScript {
  /**
   * A constant text, and one compound command. A shell reads a compound command completely before it runs it, so that
   * even a shell that reads ahead does not swallow the requests that follow.
   */
  readonly text: string;
  /**
   * The beginning of the first line that the script prints; only answers follow that line. The script prints a newline
   * before it, because rc files need not end their last line, and contains the marker only in parts, so that an echo of
   * the script is not taken for the marker.
   */
  readonly marker: string;
  /** The longest line of an answer, in bytes. Default: 1024. */
  readonly maxLineLength?: number;
}

/** How many milliseconds the server may take to hash `bytes`: a minute, and what a slow server takes. */
export function hashingMs(bytes: number): number {
  return 60_000 + bytes / SLOWEST_BYTES_PER_MS;
}

/**
 * A shell on the server that runs one script, which answers each request with one line.
 *
 * The server can fail to run a shell, print something else, answer late, too much or not at all, and end the shell at
 * any time. Each of these ends the session: all calls, present and later, reject with the same error. Requests are sent
 * and answered in order.
 *
 * States: started (nothing but the marker is expected), greeted (requests are answered), ended.
 */
export class ShellSession {
  readonly #connection: ShellConnection;
  readonly #channel: ExecChannel;
  readonly #lines: LineSplitter;
  readonly #search: MarkerSearch;
  readonly #pipeline: RequestPipeline;
  /** Whether nothing was asked and no line was received since the marker. */
  #isNew = true;
  /** A line that came before it was expected; see {@link expect}. */
  #early: string | undefined;
  #end: CopyError | undefined;

  /**
   * Starts `/bin/sh` with the script and waits for its marker.
   * @param timeoutMs how long the shell may take
   * @throws {CopyError} `unsupported`: when the server has no such shell, or it does not answer in time;
   *   `connection-lost`: when the connection ends
   */
  static async start(
    connection: ShellConnection,
    script: ShellScript,
    timeoutMs: number = RECOGNISE_MS,
  ): Promise<ShellSession> {
    // That has a deadline of its own, and may have to log in first.
    const channel = await connection.exec(SHELL_COMMAND);
    const session = new ShellSession(connection, channel, script);
    const late = setTimeout(() => session.fail('The server has no shell that answers in time.'), timeoutMs);
    try {
      await session.greeting;
      return session;
    } finally {
      clearTimeout(late);
    }
  }

  private constructor(connection: ShellConnection, channel: ExecChannel, script: ShellScript) {
    this.#connection = connection;
    this.#channel = channel;
    this.#lines = new LineSplitter(script.maxLineLength ?? 1024);
    this.#search = new MarkerSearch(script.marker);
    this.#pipeline = new RequestPipeline(
      (requests) => channel.stdin.write(requests),
      () => this.fail('The server takes too long to answer.'),
    );
    channel.stdout.on('data', (chunk: Buffer) => this.#onData(chunk));
    void channel.exited.then((status) => this.#onExit(status));
    channel.stdin.write(script.text);
  }

  /** What follows the marker on its line, as Latin-1 and not cleaned. */
  get greeting(): Promise<string> {
    return this.#search.greeting;
  }

  /**
   * Sends the requests in order, and resolves with the line that answers each (Latin-1, not cleaned). Calls may
   * overlap: they are answered one after another, and the time of each begins when the one before has ended.
   * @param timeoutMs how long the server may take for all requests of this call
   * @throws {CopyError} `unsupported`: when the shell fails in any way; `connection-lost` and others of scope
   *   `connection`: when the connection ends. Either ends the session and all other calls, too
   */
  ask(requests: readonly Uint8Array[], timeoutMs: number): Promise<readonly string[]> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    if (requests.length === 0) return Promise.resolve([]);
    if (this.#early !== undefined) return Promise.reject(this.fail(UNASKED));
    this.#isNew = false;
    return this.#pipeline.ask(requests, timeoutMs);
  }

  /**
   * Waits for a line that comes without a request: the greeting of a program that the script has become. To be called
   * at most once, before the first {@link ask}.
   */
  async expect(timeoutMs: number): Promise<string> {
    const early = this.#early;
    this.#early = undefined;
    return early ?? (await this.ask([Buffer.alloc(0)], timeoutMs))[0]!;
  }

  /** Ends the session because of an unusable answer. Returns the error that all calls reject with. */
  fail(reason: string): CopyError {
    return this.#endWith(new CopyError('unsupported', reason));
  }

  /**
   * Sends `goodbye` and ends the session; calls in progress reject. Resolves when the shell has ended, or after a
   * second.
   */
  async close(goodbye = ''): Promise<void> {
    if (this.#end === undefined && goodbye !== '') this.#channel.stdin.write(goodbye);
    this.fail('The shell on the server was closed.');
    const late = deferred<void>();
    const timer = setTimeout(late.resolve, CLOSE_MS);
    await Promise.race([this.#channel.exited, late.promise]);
    clearTimeout(timer);
  }

  #onData(chunk: Buffer): void {
    if (this.#end !== undefined) return;
    for (const line of this.#lines.push(chunk)) {
      if (!this.#search.isFound) this.#search.onLine(line);
      else if (line === undefined) this.fail('The server answered with a line that is too long.');
      else this.#onAnswer(line.toString('latin1'));
      if (this.#end !== undefined) return;
    }
    if (this.#search.isFound) return;
    this.#search.onNoise(chunk);
    if (this.#search.isTooNoisy) this.fail('The server prints without end.');
  }

  #onAnswer(line: string): void {
    if (this.#isNew) {
      // It may arrive in one packet with the marker, and so before `expect` could be called.
      this.#isNew = false;
      this.#early = line;
      return;
    }
    if (!this.#pipeline.answer(line)) this.fail(UNASKED);
  }

  async #onExit(status: number | undefined): Promise<void> {
    if (this.#end !== undefined) return;
    const later = new Promise<'alive'>((resolve) => setTimeout(resolve, CONNECTION_END_MS, 'alive'));
    // The SFTP session ends first; `connection.closed` resolves only when the socket is closed.
    const gone = await Promise.race([this.#connection.closed, this.#connection.session.closed, later]);
    if (gone === 'alive') this.fail(this.#whyEnded(status));
    else this.#endWith(gone ?? new CopyError('connection-lost', 'The connection was closed.'));
  }

  #whyEnded(status: number | undefined): string {
    const errors = this.#channel.stderrTail().trim();
    if (!this.#search.isFound) return noShell(`${this.#search.said.trim()}\n${errors}`, status);
    const how = status === undefined ? '' : ` with status ${status}`;
    return `The shell on the server ended${how}${errors === '' ? '' : `: ${cleanText(errors).slice(-300)}`}.`;
  }

  #endWith(error: CopyError): CopyError {
    if (this.#end !== undefined) return this.#end;
    this.#end = error;
    this.#channel.stdin.end();
    this.#channel.close();
    this.#search.giveUp(error);
    this.#pipeline.end(error);
    return error;
  }
}
