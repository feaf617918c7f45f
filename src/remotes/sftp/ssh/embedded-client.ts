/** The client of ssh2 on a TCP connection, or on what takes its place. */
import type { Duplex } from 'node:stream';
import ssh2, { type Client, type ConnectConfig } from 'ssh2';
import { CopyError } from '../../../errors.ts';
import { lostError, type Stage } from './connection-errors.ts';
import { hangUp } from './hang-up.ts';
import { Identification } from './identification.ts';
import { OfferReader, type ServerOffer } from './server-offer.ts';
import type { SocketReader } from './socket-reader.ts';

/**
 * A client of ssh2 and the socket that it was given, from the TCP connection until the socket is closed. It knows how
 * far the connection has come, on which depends what the end of it means, and how it is to be closed.
 *
 * It decides nothing: whoever opens or uses the connection listens to `ssh`, and calls {@link hangUp} in the end.
 */
export class EmbeddedClient {
  readonly ssh: Client = new ssh2.Client();
  readonly socket: Duplex;
  /** Reads the socket; undefined where the fast path is off. */
  readonly reader: SocketReader | undefined;
  /** How messages name the server. */
  readonly target: string;
  /**
   * How far the connection has come: `identification`, `key exchange`, `authentication`, `sftp` (the subsystem is being
   * started), `open`. It advances to the key exchange by itself; the owner sets those that follow.
   */
  stage: Stage = 'identification';
  #identification: Identification | undefined;
  #offer: OfferReader | undefined;

  constructor(socket: Duplex, reader: SocketReader | undefined, target: string) {
    this.socket = socket;
    this.reader = reader;
    this.target = target;
  }

  /**
   * Begins the handshake.
   * @param onSomethingElse called when something other than SSH answers; `what` is such as "an HTTP server"
   * @throws {CopyError} `usage`: when ssh2 refuses the configuration, for example because this machine lacks an algorithm
   */
  connect(config: Omit<ConnectConfig, 'sock'>, onSomethingElse: (what: string) => void): void {
    try {
      this.ssh.connect({ ...config, sock: this.socket });
    } catch (error) {
      throw CopyError.from(error, 'usage');
    }
    this.#offer = new OfferReader(this.socket);
    // Only after ssh2 listens, so that ssh2 has seen the end of the identification before the stage advances.
    this.#identification = new Identification(this.socket, {
      onIdentified: () => {
        this.stage = 'key exchange';
      },
      onSomethingElse,
    });
  }

  /** The identification of the server without `SSH-2.0-`; empty until it is complete. */
  get software(): string {
    return this.#identification?.software ?? '';
  }

  /** The algorithms of the server; undefined until they are known. */
  get offer(): ServerOffer | undefined {
    return this.#offer?.offer;
  }

  /** What the server sent so far instead of an identification; empty when the identification is complete. */
  get greeting(): string {
    return this.stage === 'identification' ? (this.#identification?.greeting ?? '') : '';
  }

  /** What it means that the connection has ended now, with `error` of ssh2 or of the socket, or without one. */
  lostError(error: unknown): CopyError {
    return lostError(error, this.stage, this.target, this.greeting);
  }

  /** Resolves when the socket is closed, after `graceMs` at the latest. Never rejects. */
  hangUp(graceMs: number): Promise<void> {
    return hangUp(this.stage === 'identification' ? undefined : this.ssh, this.socket, graceMs);
  }
}
