/** Reads the first bytes of a server: its identification line, or what it sends instead (RFC 4253, 4.2). */
import type { Duplex } from 'node:stream';
import { whatAnswered } from './what-answered.ts';

/** How many bytes a server may send before its identification line is complete. */
const LIMIT = 8192;

export interface IdentificationListener {
  /** Called when the identification line is complete. */
  onIdentified(): void;
  /** Called when something other than SSH answers; `what` is such as "an HTTP server". */
  onSomethingElse(what: string): void;
}

/**
 * Listens to `socket` until the identification line is complete, or it is clear that none will come; then calls the
 * listener once. It is needed because ssh2 discards the lines before the identification, in which sshd explains why it
 * refuses a connection.
 */
export class Identification {
  #bytes: Buffer = Buffer.alloc(0);
  #found: string | undefined;

  constructor(socket: Duplex, listener: IdentificationListener) {
    const listen = (chunk: Buffer): void => {
      this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(0, LIMIT - this.#bytes.length)]);
      this.#found = /^SSH-(?:2\.0|1\.99)-([^\r\n]*)\r?\n/m.exec(this.#bytes.toString('latin1'))?.[1];
      const other = this.#found === undefined ? whatAnswered(this.#bytes, LIMIT) : undefined;
      if (this.#found === undefined && other === undefined && this.#bytes.length < LIMIT) return;
      socket.removeListener('data', listen);
      if (this.#found !== undefined) listener.onIdentified();
      else listener.onSomethingElse(other ?? 'something that sends no identification');
    };
    socket.on('data', listen);
  }

  /** The identification without `SSH-2.0-`; empty until it is complete. */
  get software(): string {
    return this.#found ?? '';
  }

  /** What the server sent so far. */
  get greeting(): string {
    return this.#bytes.toString('utf8');
  }
}
