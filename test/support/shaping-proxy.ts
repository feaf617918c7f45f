import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { resetSocket } from '../../src/util/reset-socket.ts';
import { Lane } from './lane.ts';
import { Pump } from './pump.ts';
import { ShapedConnection } from './shaped-connection.ts';
import { type Directions, direction, type ProxyOptions, type ProxyStats, type Shape, type Which } from './shaping.ts';
import { SharedQueue } from './shared-queue.ts';

function sharedPump(options: ProxyOptions, which: keyof Directions): Pump {
  const { totalBytesPerSecond, totalQueueBytes } = options;
  const bytesPerSecond = direction(totalBytesPerSecond, which, Number.POSITIVE_INFINITY);
  return new Pump(
    new Lane(bytesPerSecond),
    totalQueueBytes === undefined ? undefined : new SharedQueue(bytesPerSecond, totalQueueBytes),
  );
}

/** A TCP proxy on 127.0.0.1 that makes every connection as slow, as far and as unreliable as it is told. */
export class ShapingProxy {
  readonly #options: ProxyOptions;
  readonly #server: Server;
  readonly #pumps: { up: Pump; down: Pump };
  readonly #all: ShapedConnection[] = [];
  readonly #open = new Set<ShapedConnection>();
  readonly #cutAfter: Partial<Directions>;
  #shape: Shape;
  #stalled: { readonly only: keyof Directions | undefined } | undefined;
  #resetTimer: NodeJS.Timeout | undefined;
  #counts = { mostOpen: 0, refused: 0, resets: 0, bytesUp: 0, bytesDown: 0 };

  constructor(options: ProxyOptions) {
    this.#options = options;
    this.#shape = {};
    if (options.bytesPerSecond !== undefined) this.#shape.bytesPerSecond = options.bytesPerSecond;
    if (options.delayMs !== undefined) this.#shape.delayMs = options.delayMs;
    this.#cutAfter = { ...options.resetAllAfter };
    this.#pumps = { up: sharedPump(options, 'up'), down: sharedPump(options, 'down') };
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  /** Returns the port. */
  async listen(): Promise<number> {
    this.#server.listen({ host: '127.0.0.1', port: this.#options.port ?? 0, backlog: 1024 });
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  stats(): ProxyStats {
    const connections = this.#all.map((connection) => connection.stats);
    return { accepted: this.#all.length, open: this.#open.size, ...this.#counts, connections };
  }

  /** Returns how many connections were cut. */
  reset(which: Which): number {
    const chosen = this.#choose(which);
    for (const connection of chosen) connection.reset();
    this.#counts.resets += chosen.length;
    return chosen.length;
  }

  /** Resets one connection at random each `intervalMs`, if any is open; 0 ends that. */
  resetEvery(intervalMs: number): void {
    clearInterval(this.#resetTimer);
    if (intervalMs > 0) this.#resetTimer = setInterval(() => this.reset('random'), intervalMs);
  }

  /** No byte goes through any more, in either direction or in one. `all` holds for connections to come as well. */
  stall(which: Which, only?: keyof Directions): void {
    if (which === 'all') this.#stalled = { only };
    for (const connection of this.#choose(which)) connection.stall(true, only);
  }

  resume(which: Which): void {
    if (which === 'all') this.#stalled = undefined;
    for (const connection of this.#choose(which)) connection.stall(false);
  }

  /** Another rate or delay from now on. `all` holds for connections to come as well. */
  reshape(which: Which, shape: Shape): void {
    if (which === 'all') this.#shape = { ...this.#shape, ...shape };
    for (const connection of this.#choose(which)) connection.reshape(shape);
  }

  async close(): Promise<void> {
    this.resetEvery(0);
    this.#server.close();
    for (const connection of this.#open) connection.reset();
    this.#pumps.up.close();
    this.#pumps.down.close();
  }

  #choose(which: Which): ShapedConnection[] {
    const open = [...this.#open];
    if (which === 'all') return open;
    if (which === 'oldest') return open.slice(0, 1);
    if (which === 'random') return open.length > 0 ? [open[Math.floor(Math.random() * open.length)]!] : [];
    return open.filter((connection) => connection.index === which);
  }

  #accept(client: Socket): void {
    // An error is followed by 'close', which is where connections are looked after.
    client.on('error', () => {});
    if (this.#open.size >= (this.#options.maxConnections ?? Number.POSITIVE_INFINITY)) {
      this.#counts.refused++;
      resetSocket(client);
      return;
    }
    const connection = new ShapedConnection({
      index: this.#all.length,
      client,
      target: this.#options.target,
      shape: this.#shape,
      pumps: this.#pumps,
      count: (which, bytes) => this.#count(which, bytes),
      closed: (gone) => this.#open.delete(gone),
    });
    this.#all.push(connection);
    this.#open.add(connection);
    this.#counts.mostOpen = Math.max(this.#counts.mostOpen, this.#open.size);
    if (this.#stalled !== undefined) connection.stall(true, this.#stalled.only);
  }

  #count(which: keyof Directions, bytes: number): void {
    const counter = which === 'up' ? 'bytesUp' : 'bytesDown';
    this.#counts[counter] += bytes;
    const limit = this.#cutAfter[which];
    if (limit === undefined || this.#counts[counter] < limit) return;
    delete this.#cutAfter[which];
    // After the write in progress, whose pipe would not like to be ended within it.
    setImmediate(() => this.reset('all'));
  }
}
