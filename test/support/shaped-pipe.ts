import type { Socket } from 'node:net';
import { resetSocket } from '../../src/util/reset-socket.ts';
import type { Lane } from './lane.ts';
import type { SharedQueue } from './shared-queue.ts';

/** Data leaves in portions of about this much time: small enough to be smooth, large enough to be cheap. */
const PORTION_MS = 4;
const SMALLEST_PORTION = 1024;
const LARGEST_PORTION = 64 * 1024;
/** Waiting for a sink that does not take more; beyond it nothing is written. */
const SINK_BUFFER_BYTES = 256 * 1024;
/** In flight on a delayed line without a rate. */
const UNLIMITED_LINE_BYTES = 16 * 1024 * 1024;

type Item = { readyAt: number; data: Buffer } | { readyAt: number; data: 'end' | 'reset' };

export interface PipeOptions {
  lane: Lane;
  shared: Lane;
  queue: SharedQueue | undefined;
  delayMs: number;
  /** Nothing arrives before: the time the handshake would have taken. */
  notBefore: number;
  /** Called when there is something to pump. */
  wake: (pipe: ShapedPipe) => void;
  count: (bytes: number) => void;
  /** Called once, when the pipe is done. */
  settled: () => void;
}

/** One direction of a connection: reads its source, holds the bytes as long as the line would, writes its sink. */
export class ShapedPipe {
  readonly #source: Socket;
  readonly #options: PipeOptions;
  #sink: Socket | undefined;
  #queue: Item[] = [];
  #queuedBytes = 0;
  #lane: Lane;
  #delayMs: number;
  #stalled = false;
  #blocked = false;
  #done = false;
  #ended = false;

  constructor(source: Socket, options: PipeOptions) {
    this.#source = source;
    this.#options = options;
    this.#lane = options.lane;
    this.#delayMs = options.delayMs;
    source.on('data', (data: Buffer) => this.#receive(data));
    source.on('end', () => this.#push({ readyAt: this.#arrival(), data: 'end' }));
    source.on('error', () => this.#push({ readyAt: this.#arrival(), data: 'reset' }));
  }

  /** Nothing more will be written to the sink. */
  get done(): boolean {
    return this.#done;
  }

  /** The source's end was passed on. */
  get ended(): boolean {
    return this.#ended;
  }

  get endsNext(): boolean {
    return typeof this.#ready()?.data === 'string';
  }

  get unlimited(): boolean {
    return this.#lane.isUnlimited && this.#options.shared.isUnlimited;
  }

  attach(sink: Socket): void {
    this.#sink = sink;
    sink.on('drain', () => {
      if (!this.#blocked) return;
      this.#blocked = false;
      this.#restart();
    });
    sink.on('close', () => this.#finish());
    this.#options.wake(this);
  }

  reshape(lane: Lane): void {
    this.#lane = lane;
    this.#restart();
  }

  /** For what comes from now on; it never overtakes what is on its way. */
  delay(delayMs: number): void {
    this.#delayMs = delayMs;
    this.flow();
  }

  /** When its next bytes have come to the shared queue; Infinity when there are none. */
  get waitsSince(): number {
    const item = this.#ready();
    return item === undefined || typeof item.data === 'string' ? Number.POSITIVE_INFINITY : item.readyAt;
  }

  stall(stalled: boolean): void {
    this.#stalled = stalled;
    this.flow();
    if (!stalled) this.#restart();
  }

  /** When there is something to do next; Infinity when only an event can bring it. */
  dueAt(now: number): number {
    const item = this.#ready();
    if (item === undefined) return Number.POSITIVE_INFINITY;
    if (typeof item.data === 'string') return item.readyAt;
    const bytes = Math.min(item.data.length, this.#portion());
    return Math.max(this.#lane.dueAt(bytes, now, item.readyAt), this.#options.shared.dueAt(bytes, now, item.readyAt));
  }

  /** Writes what the line has carried by now, at most `most` bytes; returns how much that was. */
  pump(now: number, most: number = Number.POSITIVE_INFINITY): number {
    let written = 0;
    while (written < most) {
      const item = this.#ready();
      if (item === undefined || item.readyAt > now) break;
      if (typeof item.data === 'string') {
        this.#conclude(item.data);
        break;
      }
      const bytes = this.#sendable(item.data.length, now, item.readyAt);
      if (bytes === 0) break;
      this.#send(item, bytes, now);
      written += bytes;
    }
    if (written > 0) this.flow();
    return written;
  }

  #ready(): Item | undefined {
    return this.#done || this.#stalled || this.#blocked || this.#sink === undefined ? undefined : this.#queue[0];
  }

  #portion(): number {
    const slower = Math.min(this.#lane.bytesPerSecond, this.#options.shared.bytesPerSecond);
    return Math.min(LARGEST_PORTION, Math.max(SMALLEST_PORTION, Math.floor((slower * PORTION_MS) / 1000)));
  }

  /** Bytes that may go now: a whole portion or nothing, lest every tick writes a few bytes. */
  #sendable(available: number, now: number, readyAt: number): number {
    const bytes = Math.min(available, this.#portion());
    const { shared } = this.#options;
    const allowance = Math.min(this.#lane.allowance(now, readyAt), shared.allowance(now, readyAt));
    // A hair's breadth for the rounding of the clock, or a timer that fires at its time finds it has not come.
    return allowance + 0.01 < bytes ? 0 : bytes;
  }

  #send(item: Item & { data: Buffer }, bytes: number, now: number): void {
    const sink = this.#sink as Socket;
    this.#lane.take(bytes, now, item.readyAt);
    this.#options.shared.take(bytes, now, item.readyAt);
    sink.write(bytes === item.data.length ? item.data : item.data.subarray(0, bytes));
    if (bytes === item.data.length) this.#queue.shift();
    else item.data = item.data.subarray(bytes);
    this.#queuedBytes -= bytes;
    this.#options.queue?.remove(bytes);
    this.#blocked = sink.writableLength > SINK_BUFFER_BYTES;
    this.#options.count(bytes);
  }

  #receive(data: Buffer): void {
    if (this.#done) return;
    this.#queuedBytes += data.length;
    this.#options.queue?.add(data.length);
    this.#push({ readyAt: this.#arrival(), data });
    this.flow();
  }

  #push(item: Item): void {
    if (this.#done) return;
    this.#queue.push(item);
    if (this.#queue.length === 1) this.#options.wake(this);
  }

  #arrival(): number {
    return Math.max(this.#options.notBefore, performance.now() + this.#delayMs);
  }

  #restart(): void {
    this.#lane.restart(performance.now());
    this.flow();
    this.#options.wake(this);
  }

  /** What the line holds: the bytes on their way, and a short queue in front of it. */
  #capacity(): number {
    const { queue } = this.#options;
    if (queue !== undefined) return queue.isFull(this.#delayMs) ? 0 : Number.POSITIVE_INFINITY;
    const slower = Math.min(this.#lane.bytesPerSecond, this.#options.shared.bytesPerSecond);
    if (slower === Number.POSITIVE_INFINITY) return this.#delayMs > 0 ? UNLIMITED_LINE_BYTES : LARGEST_PORTION;
    return (slower * (this.#delayMs + 2 * PORTION_MS)) / 1000 + 2 * LARGEST_PORTION;
  }

  /** Reads on or not: what does not fit is left to the source's own flow control. */
  flow(): void {
    if (this.#done) return;
    const full = this.#stalled || this.#queuedBytes >= this.#capacity();
    if (full && !this.#source.isPaused()) this.#source.pause();
    else if (!full && this.#source.isPaused()) this.#source.resume();
  }

  #conclude(how: 'end' | 'reset'): void {
    this.#ended = how === 'end';
    if (how === 'end') this.#sink?.end();
    else if (this.#sink !== undefined) resetSocket(this.#sink);
    this.#finish();
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    this.#queue = [];
    this.#options.queue?.remove(this.#queuedBytes);
    this.#queuedBytes = 0;
    this.#options.settled();
  }
}
