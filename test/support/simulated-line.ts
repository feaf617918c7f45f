/** A line between a client and a server in virtual time: deterministic, and the same for the same seed. */
import { seeded } from './seeded.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A figure that is fixed, or depends on the time in milliseconds. */
export type Changing = number | ((atMs: number) => number);

export interface LineOptions {
  /** Of each connection; not limited unless set. */
  readonly bytesPerSecond?: Changing;
  /** Over all connections, in one queue; not limited unless set. */
  readonly sharedBytesPerSecond?: Changing;
  /** What the shared queue holds, bytes. More waits at its sender, as TCP has it wait. Not limited unless set. */
  readonly bufferBytes?: number;
  readonly roundTripMs: Changing;
  /** Each packet takes up to so much longer, each way; order is kept, as TCP keeps it. */
  readonly jitterMs?: number;
  /** When the server answers what it received at this time; at once unless set. Never earlier. */
  readonly answeredAtMs?: (receivedMs: number) => number;
}

/** Large requests share a line in parts of this size. */
const PACKET_BYTES = 16 * 1024;

interface Packet {
  readonly bytes: number;
  /** For the last one of a request. */
  readonly received?: () => void;
  readonly connection: LineConnection;
}

export function valueAt(value: Changing, atMs: number): number {
  return typeof value === 'number' ? value : value(atMs);
}

/** What carries one packet after another at a rate. */
class Bottleneck {
  readonly #time: VirtualTime;
  readonly #bytesPerSecond: Changing | undefined;
  readonly #bufferBytes: number;
  readonly #passed: (packet: Packet) => void;
  readonly #buffer: Packet[] = [];
  /** Packets that wait at their senders, who take turns. */
  readonly #senders: Map<LineConnection, Packet[]> = new Map();
  #buffered = 0;
  #busy = false;

  constructor(
    time: VirtualTime,
    bytesPerSecond: Changing | undefined,
    bufferBytes: number,
    passed: (packet: Packet) => void,
  ) {
    this.#time = time;
    this.#bytesPerSecond = bytesPerSecond;
    this.#bufferBytes = bufferBytes;
    this.#passed = passed;
  }

  take(packet: Packet): void {
    if (this.#bytesPerSecond === undefined) {
      this.#passed(packet);
      return;
    }
    const waiting = this.#senders.get(packet.connection);
    if (waiting !== undefined) waiting.push(packet);
    else this.#senders.set(packet.connection, [packet]);
    this.#admit();
  }

  #admit(): void {
    for (const [connection, waiting] of this.#senders) {
      const next = waiting[0]!;
      if (this.#buffered > 0 && this.#buffered + next.bytes > this.#bufferBytes) break;
      waiting.shift();
      this.#senders.delete(connection);
      // The end of the Map is the back of the line.
      if (waiting.length > 0) this.#senders.set(connection, waiting);
      this.#buffer.push(next);
      this.#buffered += next.bytes;
    }
    if (!this.#busy) this.#carry();
  }

  #carry(): void {
    const packet = this.#buffer.shift();
    this.#busy = packet !== undefined;
    if (packet === undefined) return;
    const { nowMs } = this.#time;
    const bytesPerMs = valueAt(this.#bytesPerSecond!, nowMs) / 1000;
    this.#time.at(nowMs + packet.bytes / bytesPerMs, () => {
      this.#buffered -= packet.bytes;
      this.#passed(packet);
      this.#busy = false;
      this.#admit();
    });
  }
}

/** One connection over the line; requests and their answers keep their order. */
export class LineConnection {
  readonly #line: SimulatedLine;
  readonly #own: Bottleneck;
  #receivedMs = 0;
  #answeredMs = 0;
  #arrivedMs = 0;

  constructor(line: SimulatedLine, own: (passed: (packet: Packet) => void) => Bottleneck) {
    this.#line = line;
    this.#own = own((packet) => line.shared.take(packet));
  }

  /** Resolves when the answer is back. */
  request(bytes: number): Promise<void> {
    return new Promise((resolve) => {
      for (let rest = bytes; rest > 0; rest -= PACKET_BYTES) {
        const packet = { bytes: Math.min(rest, PACKET_BYTES), connection: this };
        this.#own.take(rest <= PACKET_BYTES ? { ...packet, received: () => this.#answer(resolve) } : packet);
      }
    });
  }

  /** For the line: it has carried the packet, which now needs its time to the server. */
  passed(packet: Packet): void {
    this.#receivedMs = Math.max(this.#receivedMs, this.#line.oneWayLater());
    if (packet.received !== undefined) this.#line.time.at(this.#receivedMs, packet.received);
  }

  #answer(arrived: () => void): void {
    const { time, options } = this.#line;
    this.#answeredMs = Math.max(this.#answeredMs, options.answeredAtMs?.(time.nowMs) ?? time.nowMs);
    time.at(this.#answeredMs, () => {
      this.#arrivedMs = Math.max(this.#arrivedMs, this.#line.oneWayLater());
      time.at(this.#arrivedMs, arrived);
    });
  }
}

export class SimulatedLine {
  readonly time: VirtualTime;
  readonly options: LineOptions;
  /** For its connections. */
  readonly shared: Bottleneck;
  readonly #random: () => number;

  constructor(time: VirtualTime, options: LineOptions, seed: number) {
    this.time = time;
    this.options = options;
    this.#random = seeded(seed);
    const { sharedBytesPerSecond, bufferBytes = Number.POSITIVE_INFINITY } = options;
    this.shared = new Bottleneck(time, sharedBytesPerSecond, bufferBytes, (packet) => packet.connection.passed(packet));
  }

  connect(): LineConnection {
    const { bytesPerSecond } = this.options;
    return new LineConnection(
      this,
      (passed) => new Bottleneck(this.time, bytesPerSecond, Number.POSITIVE_INFINITY, passed),
    );
  }

  /** When what leaves now is at the other end. */
  oneWayLater(): number {
    const { roundTripMs, jitterMs = 0 } = this.options;
    const { nowMs } = this.time;
    return nowMs + valueAt(roundTripMs, nowMs) / 2 + jitterMs * this.#random();
  }
}
