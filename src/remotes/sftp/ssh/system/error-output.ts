/** What the ssh program of the system prints to its error output, which tells how far a connection has come. */
import { StringDecoder } from 'node:string_decoder';

/**
 * The level of detail at which ssh tells when it has reached the server, how that names itself, and when it was let in
 * (sshconnect.c, sshconnect2.c).
 */
export const NEEDED_LOG_LEVEL = 'DEBUG1';

/** What is kept of messages, in characters. */
const MAX_TEXT = 4000;
/** A longer line is cut. */
const MAX_LINE = 2000;

/** How far a connection has come. At `host key` and `authentication`, ssh may ask the user. */
export type SshStage = 'start' | 'identification' | 'key exchange' | 'host key' | 'authentication' | 'open';

/** What ssh logs when it begins with a stage. */
const STAGES: readonly (readonly [SshStage, RegExp])[] = [
  ['identification', /^Connection established/],
  ['key exchange', /remote software version /],
  ['host key', /^Server host key: /],
  ['authentication', /SSH2_MSG_SERVICE_ACCEPT received/],
  // Older programs say nothing else.
  ['open', /^Authentication succeeded /],
];
/** A key of which every use has to be confirmed at the device that has it. */
const TOUCHED_KEY = /^Server accepts key: .* \S+-SK SHA256:/;
const ACCEPTED_KEY = /^Server accepts key: /;

export interface ErrorOutputListener {
  /** A line that is meant for people, not cleaned. */
  onMessage(line: string): void;
  /** The server has logged the connection in. */
  onAuthenticated(): void;
  /** Something has to sign, which may wait for somebody. `isTouch`: for somebody who touches a key. */
  onSigning(isTouch: boolean): void;
  /** Any sign that the program goes on. */
  onProgress(): void;
}

/**
 * Reads the lines. Those of the log are used; the others are messages of ssh, of the server before the login (its
 * banner), or of the program on the server after it. A server could imitate the line that tells of the login, but only
 * in its banner, after which ssh still lets nobody in who should not be.
 */
export class ErrorOutput {
  readonly #listener: ErrorOutputListener;
  readonly #decoder = new StringDecoder('utf8');
  readonly #authenticated: RegExp;
  #rest = '';
  #text = '';
  #software = '';
  #stage: SshStage = 'start';

  /** @param isProxied whether another ssh may be on the way, which tells of its own login in the same words */
  constructor(listener: ErrorOutputListener, isProxied: boolean) {
    this.#listener = listener;
    this.#authenticated = isProxied ? /^Authenticated to \S+ \(via proxy\)/ : /^Authenticated to \S+ ?(\(|using )/;
  }

  /** The end of the messages since the connection began, or since it was logged in. */
  get text(): string {
    return this.#text + this.#rest;
  }

  /** How the server names its software; empty while that is not known. */
  get software(): string {
    return this.#software;
  }

  get stage(): SshStage {
    return this.#stage;
  }

  add(bytes: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(bytes)).split(/\r?\n/);
    this.#rest = lines.pop()!.slice(-MAX_LINE);
    for (const line of lines) this.#addLine(line);
    this.#listener.onProgress();
  }

  #addLine(line: string): void {
    const [, logged] = /^debug\d: (.*)/.exec(line) ?? [];
    if (logged !== undefined) return this.#addLogged(logged);
    // With the host and, in newer programs, the method.
    if (this.#authenticated.test(line)) return this.#enter('open');
    if (line === '' || isStatistics(line)) return;
    this.#text = `${this.#text}${line}\n`.slice(-MAX_TEXT);
    this.#listener.onMessage(line.slice(0, MAX_LINE));
  }

  #addLogged(line: string): void {
    if (this.#stage === 'open') return;
    const [, software] = /remote software version (.*)/.exec(line) ?? [];
    if (software !== undefined) this.#software = software;
    if (ACCEPTED_KEY.test(line)) this.#listener.onSigning(TOUCHED_KEY.test(line));
    const [stage] = STAGES.find(([, says]) => says.test(line)) ?? [];
    if (stage !== undefined) this.#enter(stage);
  }

  #enter(stage: SshStage): void {
    if (this.#stage === 'open') return;
    this.#stage = stage;
    if (stage !== 'open') return;
    this.#text = '';
    this.#listener.onAuthenticated();
  }
}

/** What ssh, or that of a host on the way, prints at this level at the login and at the end. */
function isStatistics(line: string): boolean {
  return /^(Transferred: sent |Bytes per second: sent |Authenticated to )/.test(line);
}
