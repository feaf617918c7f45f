import { connect, type Socket } from 'node:net';
import { resetSocket } from '../../src/util/reset-socket.ts';
import { Lane } from './lane.ts';
import type { Pump } from './pump.ts';
import { ShapedPipe } from './shaped-pipe.ts';
import { type ConnectionStats, type Directions, direction, type Shape } from './shaping.ts';

export interface ShapedConnectionOptions {
  index: number;
  client: Socket;
  target: { host: string; port: number };
  shape: Shape;
  pumps: { up: Pump; down: Pump };
  count: (which: keyof Directions, bytes: number) => void;
  closed: (connection: ShapedConnection) => void;
}

function laneOf(shape: Shape, which: keyof Directions): Lane {
  return new Lane(direction(shape.bytesPerSecond, which, Number.POSITIVE_INFINITY));
}

/** A client, the server it is led to, and a shaped pipe each way. */
export class ShapedConnection {
  readonly #options: ShapedConnectionOptions;
  readonly #client: Socket;
  readonly #up: ShapedPipe;
  #down: ShapedPipe | undefined;
  #server: Socket | undefined;
  #dial: NodeJS.Timeout | undefined;
  #shape: Shape;
  #stalled = { up: false, down: false };
  #closed = false;
  #bytes: Directions = { up: 0, down: 0 };

  constructor(options: ShapedConnectionOptions) {
    this.#options = options;
    this.#client = options.client;
    this.#shape = options.shape;
    // The kernel lets the client in at once: what SYN, SYN-ACK and ACK would have taken is made up for here.
    const { up, down } = this.#delays();
    const handshakeMs = 2 * up + down;
    this.#up = this.#pipe('up', this.#client, performance.now() + handshakeMs);
    this.#client.on('close', () => this.#settle());
    if (handshakeMs > 0) this.#dial = setTimeout(() => this.#connect(), handshakeMs);
    else this.#connect();
  }

  get index(): number {
    return this.#options.index;
  }

  get stats(): ConnectionStats {
    const { up, down } = this.#bytes;
    return {
      index: this.index,
      open: !this.#closed,
      stalled: this.#stalled.up || this.#stalled.down,
      bytesUp: up,
      bytesDown: down,
    };
  }

  /** RST to both sides; what is on its way is lost. */
  reset(): void {
    clearTimeout(this.#dial);
    resetSocket(this.#client);
    if (this.#server !== undefined) resetSocket(this.#server);
  }

  /** @param only one direction; resuming is always for both */
  stall(stalled: boolean, only?: keyof Directions): void {
    this.#stalled = { up: stalled && only !== 'down', down: stalled && only !== 'up' };
    this.#up.stall(this.#stalled.up);
    this.#down?.stall(this.#stalled.down);
  }

  reshape(shape: Shape): void {
    this.#shape = { ...this.#shape, ...shape };
    const { up, down } = this.#delays();
    this.#up.delay(up);
    this.#down?.delay(down);
    // A lane begins anew, which costs a little: where only the delay changes, it stays.
    if (shape.bytesPerSecond === undefined) return;
    this.#up.reshape(laneOf(this.#shape, 'up'));
    this.#down?.reshape(laneOf(this.#shape, 'down'));
  }

  #delays(): Directions {
    return { up: direction(this.#shape.delayMs, 'up', 0), down: direction(this.#shape.delayMs, 'down', 0) };
  }

  #pipe(which: keyof Directions, source: Socket, notBefore: number): ShapedPipe {
    const pump = this.#options.pumps[which];
    return new ShapedPipe(source, {
      lane: laneOf(this.#shape, which),
      shared: pump.shared,
      queue: pump.queue,
      delayMs: this.#delays()[which],
      notBefore,
      wake: (pipe) => pump.wake(pipe),
      count: (bytes) => {
        this.#bytes[which] += bytes;
        this.#options.count(which, bytes);
      },
      // Not within the call that found it out: both pipes are asked then.
      settled: () => queueMicrotask(() => this.#settle()),
    });
  }

  #connect(): void {
    const server = connect({ ...this.#options.target, allowHalfOpen: true, noDelay: true });
    this.#server = server;
    this.#down = this.#pipe('down', server, 0);
    this.#down.attach(this.#client);
    if (this.#stalled.down) this.#down.stall(true);
    server.once('connect', () => this.#up.attach(server));
    server.on('close', () => this.#settle());
  }

  /** One side is gone and all it sent was passed on: the other has nobody to talk to. */
  #settle(): void {
    const client = this.#client;
    const server = this.#server;
    if (client.destroyed && server === undefined) clearTimeout(this.#dial);
    if (server !== undefined && client.destroyed && !server.destroyed && this.#up.done && !this.#down?.ended) {
      resetSocket(server);
    }
    if (server?.destroyed && !client.destroyed && this.#down?.done && !this.#up.ended) resetSocket(client);
    if (this.#closed || !client.destroyed || !(server?.destroyed ?? true)) return;
    this.#closed = true;
    this.#options.closed(this);
  }
}
