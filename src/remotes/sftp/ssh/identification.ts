/** The first bytes of a server: its identification line, or what it says instead (RFC 4253, 4.2). */
import type { Socket } from 'node:net';

/** More than this is no identification; ssh2 gives up by itself. */
const limit = 8192;

/**
 * Listens to `socket` until the identification line is there. ssh2 swallows what comes before it, which is where sshd
 * says why it refuses somebody.
 */
export class Identification {
  private bytes = '';
  private found: string | undefined;

  constructor(socket: Socket, identified: () => void) {
    const listen = (chunk: Buffer): void => {
      this.bytes = (this.bytes + chunk.toString('latin1')).slice(0, limit);
      this.found = /^SSH-(?:2\.0|1\.99)-([^\r\n]*)\r?\n/m.exec(this.bytes)?.[1];
      if (this.found === undefined && this.bytes.length < limit) return;
      socket.removeListener('data', listen);
      if (this.found !== undefined) identified();
    };
    socket.on('data', listen);
  }

  /** What follows `SSH-2.0-`. */
  get software(): string {
    return this.found ?? '';
  }

  /** What was sent instead of an identification line. */
  get greeting(): string {
    return Buffer.from(this.bytes, 'latin1').toString('utf8');
  }
}
