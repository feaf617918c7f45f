/** The first bytes of a server: its identification line, or what it says instead (RFC 4253, 4.2). */
import type { Socket } from 'node:net';
import { whatAnswered } from './what-answered.ts';

/** More than this before an identification is none of a server that means to send one. */
const limit = 8192;

export interface IdentificationListener {
  /** The identification line is there. */
  identified(): void;
  /** Something other than SSH answers: `what`, as in "an HTTP server". */
  somethingElse(what: string): void;
}

/**
 * Listens to `socket` until the identification line is there, or it is clear that none will come. ssh2 swallows what
 * comes before it, which is where sshd says why it refuses somebody.
 */
export class Identification {
  private bytes: Buffer = Buffer.alloc(0);
  private found: string | undefined;

  constructor(socket: Socket, listener: IdentificationListener) {
    const listen = (chunk: Buffer): void => {
      this.bytes = Buffer.concat([this.bytes, chunk.subarray(0, limit - this.bytes.length)]);
      this.found = /^SSH-(?:2\.0|1\.99)-([^\r\n]*)\r?\n/m.exec(this.bytes.toString('latin1'))?.[1];
      const other = this.found === undefined ? whatAnswered(this.bytes, limit) : undefined;
      if (this.found === undefined && other === undefined && this.bytes.length < limit) return;
      socket.removeListener('data', listen);
      if (this.found !== undefined) listener.identified();
      else listener.somethingElse(other ?? 'something that sends no identification');
    };
    socket.on('data', listen);
  }

  /** What follows `SSH-2.0-`. */
  get software(): string {
    return this.found ?? '';
  }

  /** What was sent instead of an identification line. */
  get greeting(): string {
    return this.bytes.toString('utf8');
  }
}
