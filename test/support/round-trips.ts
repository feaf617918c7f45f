/** Counts round trips: how often a client sends requests after it has seen answers. */
import { Duplex } from 'node:stream';

/** How long after the first bytes of a round trip the others are waited for. */
const TURN_MS = 10;

/**
 * A channel that keeps back what is sent, delivers everything together a moment later, and counts how often it does so.
 * What a client sends without waiting for answers takes one round trip, however much it is.
 */
export class RoundTrips {
  /** The client's end. */
  readonly channel: Duplex;
  count = 0;
  /** The most bytes that were sent in one of them. */
  mostBytes = 0;
  #sent: Buffer[] = [];

  /** @param server the client's end of a session that answers as soon as something is written */
  constructor(server: Duplex) {
    const deliver = (): void => {
      this.count++;
      const bytes = Buffer.concat(this.#sent.splice(0));
      this.mostBytes = Math.max(this.mostBytes, bytes.length);
      server.write(bytes);
    };
    this.channel = new Duplex({
      read: () => {},
      write: (chunk: Buffer, _, done) => {
        if (this.#sent.push(Buffer.from(chunk)) === 1) setTimeout(deliver, TURN_MS);
        done();
      },
      final: (done) => {
        server.end();
        done();
      },
    });
    server.on('data', (chunk: Buffer) => this.channel.push(chunk));
    server.on('end', () => this.channel.push(null));
  }
}
