/** A shell on the server that answers each request with one line. */

import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { type Deferred, deferred } from '../../../util/deferred.ts';
import { LineSplitter } from '../../../util/line-splitter.ts';
import type { ExecChannel } from '../ssh/ssh-connection.ts';
import { noShell } from './no-shell.ts';
import type { DigestConnection } from './path-digester.ts';

/** Understood by sh, bash, zsh, ksh, csh, tcsh and fish alike. Nothing else is ever part of a command. */
export const SHELL_COMMAND = 'exec /bin/sh';

/** How long a provider may take to show that it is there. */
export const RECOGNISE_MS = 5000;

/** What rc files may print before the marker, in bytes. */
const MAX_NOISE = 1 << 20;
/** How much of that is kept, to tell what a server says that has no shell. */
const KEPT_NOISE = 1000;
/** Requests whose answers are awaited: what is written stays small, however much is asked for. */
const MAX_IN_FLIGHT = 256;
const CLOSE_MS = 1000;
/** A channel ends a moment before its connection does: whose end it was decides on the error. */
const WHOSE_END_MS = 50;
const MAX_TIMER_MS = 0x7fffffff;
const UNASKED = 'The server answered what was not asked.';

/** What of a {@link DigestConnection} is needed. */
export interface ShellConnection extends Pick<DigestConnection, 'closed' | 'exec'> {
  readonly session: Pick<DigestConnection['session'], 'closed'>;
}

export interface ShellScript {
  /**
   * Constant, and one compound command: what a shell has read when it begins to run it is all that was sent, so that
   * none of what follows is swallowed by a shell that reads ahead.
   */
  readonly text: string;
  /**
   * The script prints a newline (rc files need not end their last line), then a line that begins with this, then nothing
   * that is not an answer. Printed in pieces, so that an echo of the script is not taken for it.
   */
  readonly marker: string;
  /** Bytes of a line. Default: 1024. */
  readonly maxLineLength?: number;
}

/** What hashing `bytes` may take on the server, in milliseconds. */
export function hashingMs(bytes: number): number {
  return 60_000 + bytes / 5000;
}

interface Call extends Deferred<readonly string[]> {
  readonly requests: readonly Uint8Array[];
  readonly timeoutMs: number;
  readonly lines: string[];
  sent: number;
}

export class ShellSession {
  /** What follows the marker on its line, cleaned of nothing: latin1. */
  readonly greeting: Promise<string>;
  readonly #connection: ShellConnection;
  readonly #channel: ExecChannel;
  readonly #marker: string;
  readonly #lines: LineSplitter;
  readonly #greeted: Deferred<string> = deferred();
  readonly #calls: Call[] = [];
  #noise = 0;
  #said = '';
  #isGreeted = false;
  /** Nothing was asked yet, and nothing came. */
  #isNew = true;
  #early: string | undefined;
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;
  #end: CopyError | undefined;

  /**
   * Starts `/bin/sh` with the script and waits for its marker.
   * @throws {CopyError} `unsupported` where the server has no such shell, `connection-lost`
   */
  static async start(
    connection: ShellConnection,
    script: ShellScript,
    timeoutMs: number = RECOGNISE_MS,
  ): Promise<ShellSession> {
    const begun = performance.now();
    const session = new ShellSession(connection, await connection.exec(SHELL_COMMAND), script);
    const left = Math.max(0, timeoutMs - (performance.now() - begun));
    const late = setTimeout(() => session.fail('The server has no shell that answers in time.'), left);
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
    this.#marker = script.marker;
    this.#lines = new LineSplitter(script.maxLineLength ?? 1024);
    this.greeting = this.#greeted.promise;
    channel.stdout.on('data', (chunk: Buffer) => this.#received(chunk));
    void channel.exited.then((status) => this.#exited(status));
    channel.stdin.write(script.text);
  }

  /**
   * Sends each request, in order, and resolves with the line that answers it (latin1, of any content). Calls may
   * overlap: they are answered one after another, and the time of each runs from the end of the one before.
   *
   * Any failure ends the session, and with it all calls: `unsupported`, or the reason why the connection is gone.
   */
  ask(requests: readonly Uint8Array[], timeoutMs: number): Promise<readonly string[]> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const call: Call = { ...deferred<readonly string[]>(), requests, timeoutMs, lines: [], sent: 0 };
    if (requests.length === 0) return Promise.resolve([]);
    if (this.#early !== undefined) return Promise.reject(this.fail(UNASKED));
    this.#isNew = false;
    this.#calls.push(call);
    if (this.#calls.length === 1) this.#watchFirst();
    this.#send();
    return call.promise;
  }

  /** A line that comes without having been asked for: the greeting of a program that the script becomes. Once, first. */
  async expect(timeoutMs: number): Promise<string> {
    const early = this.#early;
    this.#early = undefined;
    return early ?? (await this.ask([Buffer.alloc(0)], timeoutMs))[0]!;
  }

  /** Ends the session because of what was answered. Returns the error that all calls reject with. */
  fail(reason: string): CopyError {
    return this.#endWith(new CopyError('unsupported', reason));
  }

  /** Ends it; what is under way rejects. `goodbye`: sent before. Resolves when it is gone, or after a second. */
  async close(goodbye = ''): Promise<void> {
    if (this.#end === undefined && goodbye !== '') this.#channel.stdin.write(goodbye);
    this.fail('The shell on the server was closed.');
    const late = deferred<void>();
    const timer = setTimeout(late.resolve, CLOSE_MS);
    await Promise.race([this.#channel.exited, late.promise]);
    clearTimeout(timer);
  }

  #received(chunk: Buffer): void {
    if (this.#end !== undefined) return;
    for (const line of this.#lines.push(chunk)) {
      if (!this.#isGreeted) this.#look(line);
      else if (line === undefined) this.fail('The server answered with a line that is too long.');
      else this.#answered(line.toString('latin1'));
      if (this.#end !== undefined) return;
    }
    if (this.#isGreeted) return;
    this.#said = (this.#said + chunk.toString('latin1', 0, KEPT_NOISE)).slice(0, KEPT_NOISE);
    this.#noise += chunk.length;
    if (this.#noise > MAX_NOISE) this.fail('The server prints without end.');
  }

  #look(line: Buffer | undefined): void {
    const text = line?.toString('latin1');
    if (!text?.startsWith(this.#marker)) return;
    this.#isGreeted = true;
    this.#greeted.resolve(text.slice(this.#marker.length));
  }

  #answered(line: string): void {
    const [call] = this.#calls;
    if (call === undefined && this.#isNew) {
      // It may come in one packet with the marker, before anybody could expect it.
      this.#isNew = false;
      this.#early = line;
      return;
    }
    if (call === undefined || call.lines.length === call.sent) {
      this.fail(UNASKED);
      return;
    }
    call.lines.push(line);
    this.#inFlight--;
    if (call.lines.length === call.requests.length) {
      this.#calls.shift();
      this.#watchFirst();
      call.resolve(call.lines);
    }
    this.#send();
  }

  #send(): void {
    const batch: Uint8Array[] = [];
    for (const call of this.#calls) {
      const room = MAX_IN_FLIGHT - this.#inFlight;
      const next = call.requests.slice(call.sent, call.sent + room);
      call.sent += next.length;
      this.#inFlight += next.length;
      batch.push(...next);
      if (this.#inFlight === MAX_IN_FLIGHT) break;
    }
    const bytes = Buffer.concat(batch);
    if (bytes.length > 0) this.#channel.stdin.write(bytes);
  }

  #watchFirst(): void {
    clearTimeout(this.#timer);
    const [first] = this.#calls;
    if (first === undefined) return;
    const late = (): unknown => this.fail('The server takes too long to answer.');
    this.#timer = setTimeout(late, Math.min(first.timeoutMs, MAX_TIMER_MS));
  }

  async #exited(status: number | undefined): Promise<void> {
    if (this.#end !== undefined) return;
    const later = new Promise<'alive'>((resolve) => setTimeout(resolve, WHOSE_END_MS, 'alive'));
    // The session knows first: the connection is gone only when its socket is.
    const gone = await Promise.race([this.#connection.closed, this.#connection.session.closed, later]);
    if (gone === 'alive') this.fail(this.#whyEnded(status));
    else this.#endWith(gone ?? new CopyError('connection-lost', 'The connection was closed.'));
  }

  #whyEnded(status: number | undefined): string {
    const errors = this.#channel.stderrTail().trim();
    if (!this.#isGreeted) return noShell(`${this.#said.trim()}\n${errors}`, status);
    const how = status === undefined ? '' : ` with status ${status}`;
    return `The shell on the server ended${how}${errors === '' ? '' : `: ${cleanText(errors).slice(-300)}`}.`;
  }

  #endWith(error: CopyError): CopyError {
    if (this.#end !== undefined) return this.#end;
    this.#end = error;
    clearTimeout(this.#timer);
    this.#channel.stdin.end();
    this.#channel.close();
    this.#greeted.reject(error);
    for (const call of this.#calls.splice(0)) call.reject(error);
    return error;
  }
}
