import type { Duplex } from 'node:stream';
import { CopyError } from '../../errors.ts';
import { PROTOCOL_VERSION } from './codec/constants.ts';
import { PacketFramer } from './codec/packet-framer.ts';
import { parseReply, type VersionReply } from './codec/replies.ts';
import { encodeRequest } from './codec/requests.ts';
import { SessionDeadlines } from './session-deadlines.ts';
import { Greeting } from './session-greeting.ts';
import type { PacketInlet, ReadPool } from './session-inlet.ts';
import type { Packet, PacketOutlet } from './session-outlet.ts';
import { type Expected, type PendingRequest, settle } from './session-pending.ts';
import type { PacketPool } from './session-pool.ts';
import type { WriteRequest } from './session-write.ts';

export interface ChannelOptions {
  readonly stallTimeoutMs: number;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
  /** The id of the first request, a uint32. */
  readonly firstId: number;
  readonly outlet: PacketOutlet;
  readonly pool: PacketPool;
  /** See `SessionOptions`. */
  readonly inlet: PacketInlet | undefined;
  readonly readPool: ReadPool;
  /** Whether a Duplex on which SFTP does not begin is drained instead of destroyed. */
  readonly leavesDuplex: boolean;
}

/** A WRITE and the offset of its data in the file. */
export interface PlacedWrite {
  readonly request: WriteRequest;
  readonly offset: number;
}

/** The most requests that may be in flight. */
const MAX_PENDING = 4096;
/** How long {@link SessionChannel.close} waits for the server to close the channel. */
const CLOSE_TIMEOUT_MS = 1000;
/**
 * How many bytes of an incomplete packet count as activity. A few bytes now and then must not keep a connection alive.
 */
const ACTIVITY_BYTES = 1024;
/** The id under which INIT waits for its reply. VERSION has no id, and no other request can have this one. */
const VERSION_ID = -1;

/**
 * Sends requests over a Duplex, which it owns, and matches the replies by their ids.
 *
 * The Duplex can end, fail or be silent, and the server can send something that is not SFTP, or a reply to no request.
 * Each of these ends the channel: all requests, present and later, reject with the same error. Every request is
 * settled, either by a reply, by its deadline or by the end of the channel.
 *
 * States: greeting (INIT is sent, VERSION is awaited), open, ended.
 */
export class SessionChannel {
  /** Resolves once, when the channel has ended: with the reason, or undefined after {@link close}. Never rejects. */
  readonly closed: Promise<CopyError | undefined>;
  readonly #resolveClosed: (reason: CopyError | undefined) => void;
  readonly #duplex: Duplex;
  readonly #outlet: PacketOutlet;
  readonly #pool: PacketPool;
  readonly #leavesDuplex: boolean;
  readonly #framer: PacketFramer;
  /** Set until it has begun. */
  #inlet: PacketInlet | undefined;
  /** The requests in flight, oldest first. */
  readonly #pending = new Map<number, PendingRequest>();
  readonly #deadlines: SessionDeadlines;
  #nextId: number;
  /** Set until VERSION was received. */
  #greeting: Greeting | undefined = new Greeting();
  /** How many bytes were received since the last activity. */
  #sinceActivity = 0;
  #ended: CopyError | undefined;
  #closing: Promise<void> | undefined;

  constructor(duplex: Duplex, options: ChannelOptions) {
    this.#duplex = duplex;
    this.#nextId = options.firstId;
    const { stallTimeoutMs, now } = options;
    this.#outlet = options.outlet;
    this.#pool = options.pool;
    this.#leavesDuplex = options.leavesDuplex;
    this.#inlet = options.inlet;
    this.#framer = new PacketFramer({}, options.inlet && options.readPool.allocate);
    this.#deadlines = new SessionDeadlines(this.#pending, stallTimeoutMs, now, (error) => this.fail(error));
    let resolveClosed!: (reason: CopyError | undefined) => void;
    this.closed = new Promise((resolve) => {
      resolveClosed = resolve;
    });
    this.#resolveClosed = resolveClosed;
    duplex.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose).on('error', this.#onError);
    if (duplex.destroyed) this.#onClose();
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  /**
   * Sends INIT. To be called before any request.
   * @throws {CopyError} `protocol`: when the server does not answer with VERSION 3
   */
  async greet(): Promise<VersionReply> {
    const init = encodeRequest({ type: 'init', version: PROTOCOL_VERSION });
    const reply = (await this.#send(VERSION_ID, init, 'version', 0, 0)) as VersionReply;
    if (reply.version === PROTOCOL_VERSION) return reply;
    throw this.fail(new CopyError('protocol', `The server speaks SFTP version ${reply.version}, not 3.`));
  }

  /**
   * Sends the packet that `encode` returns for an id. Resolves as {@link settle} describes.
   * @param slowMs see {@link PendingRequest.slowMs}
   * @param length see {@link PendingRequest.length}
   */
  request(expects: Expected, encode: (id: number) => Buffer, slowMs = 0, length = 0): Promise<unknown> {
    try {
      const id = this.#takeId();
      return this.#send(id, encode(id), expects, slowMs, length);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends WRITEs together, in order. Each resolves when the server has acknowledged it. If one cannot be sent, none is.
   */
  writeAll(writes: readonly PlacedWrite[]): readonly Promise<unknown>[] {
    try {
      const ids = writes.map(({ request, offset }) => {
        if (request.isSent) throw new CopyError('bug', 'A write was sent twice.');
        const id = this.#takeId(writes.length);
        request.encodeHeader(id, offset);
        request.isSent = true;
        return id;
      });
      const answers = ids.map((id) => this.#expect(id, 'status', 0, 0));
      const packets = writes.flatMap(({ request }) => request.packets);
      this.#outlet.send(packets, (error) => this.#onPacketsTaken(packets, error));
      return answers;
    } catch (error) {
      return writes.map(() => Promise.reject(error));
    }
  }

  #onPacketsTaken(packets: readonly Packet[], error: Error | null | undefined): void {
    this.#onTaken(error);
    if (error) return;
    for (const { buffer } of packets) this.#pool.give(buffer);
  }

  /** @param count how many requests the caller is going to send */
  #takeId(count = 1): number {
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#pending.size + count > MAX_PENDING)
      throw new CopyError('bug', `More than ${MAX_PENDING} requests are in flight.`);
    let id = this.#nextId;
    while (this.#pending.has(id)) id = (id + 1) >>> 0;
    this.#nextId = (id + 1) >>> 0;
    return id;
  }

  #send(id: number, bytes: Buffer, expects: Expected, slowMs: number, length: number): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const answer = this.#expect(id, expects, slowMs, length);
    this.#outlet.gather?.();
    this.#duplex.write(bytes, this.#onTaken);
    return answer;
  }

  #expect(id: number, expects: Expected, slowMs: number, length: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const request: PendingRequest = { expects, length, slowMs, resolve, reject, oldestSinceMs: undefined };
      this.#pending.set(id, request);
      this.#deadlines.onBegun(request);
    });
  }

  readonly #onTaken = (error?: Error | null): void => {
    if (error) this.#onError(error);
    else this.#deadlines.onActivity();
  };

  readonly #onData = (chunk: Buffer): void => {
    // An inlet does not know that the channel has ended.
    if (this.#ended !== undefined) return;
    this.#greeting?.add(chunk);
    this.#sinceActivity += chunk.length;
    if (this.#sinceActivity >= ACTIVITY_BYTES) this.#onActivity();
    try {
      this.#framer.push(chunk);
      for (let packet = this.#framer.next(); packet !== undefined; packet = this.#framer.next()) {
        this.#onActivity();
        this.#receive(packet);
      }
    } catch (error) {
      const reason = CopyError.from(error);
      this.fail(this.#greeting?.explain(reason) ?? reason);
    }
  };

  #onActivity(): void {
    this.#sinceActivity = 0;
    this.#deadlines.onActivity();
  }

  #receive(packet: Buffer): void {
    const reply = parseReply(packet);
    const id = reply.type === 'version' ? VERSION_ID : reply.id;
    const request = this.#pending.get(id);
    if (request === undefined) throw new CopyError('protocol', 'The server answered a request that nobody made.');
    settle(request, reply);
    this.#greeting = undefined;
    this.#pending.delete(id);
    this.#deadlines.onSettled(request);
    this.#inlet?.begin(this.#onData);
    this.#inlet = undefined;
  }

  readonly #onEnd = (): void => {
    if (this.#greeting === undefined) this.#onClose();
    else this.fail(this.#greeting.ended());
  };

  readonly #onClose = (): void => {
    this.fail(new CopyError('connection-lost', 'The SFTP channel was closed.'));
  };

  readonly #onError = (error: Error): void => {
    this.fail(CopyError.from(error, 'connection-lost'));
  };

  /** Ends the channel with `reason`, unless it has ended before. Returns the reason with which it has ended. */
  fail(reason: CopyError): CopyError {
    if (this.#ended !== undefined) return this.#ended;
    this.#end(reason);
    if (this.#greeting !== undefined && this.#leavesDuplex) this.#duplex.resume();
    else this.#duplex.destroy();
    this.#resolveClosed(reason);
    return reason;
  }

  /** Ends the channel; requests in flight reject. Resolves when the server has closed it, or after a second. */
  close(): Promise<void> {
    this.#closing ??= this.#hangUp();
    return this.#closing;
  }

  async #hangUp(): Promise<void> {
    if (this.#ended !== undefined) return;
    this.#end(new CopyError('connection-lost', 'The session was closed.'));
    const duplex = this.#duplex;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, CLOSE_TIMEOUT_MS);
      function done(): void {
        clearTimeout(timer);
        duplex.off('end', done).off('close', done).off('error', done);
        resolve();
      }
      duplex.on('end', done).on('close', done).on('error', done);
      // Further replies are read and discarded, because the end would not be seen otherwise.
      duplex.resume().end();
    });
    duplex.destroy();
    this.#resolveClosed(undefined);
  }

  /** Stops listening, and rejects the requests in flight. */
  #end(reason: CopyError): void {
    this.#ended = reason;
    this.#deadlines.stop();
    const duplex = this.#duplex;
    duplex.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose).off('error', this.#onError);
    if (!duplex.closed) duplex.on('error', ignore).once('close', () => duplex.off('error', ignore));
    for (const request of this.#pending.values()) request.reject(reason);
    this.#pending.clear();
  }
}

/** A stream that is being closed may still emit errors, which do not matter because the reason of the end is known. */
function ignore(): void {}
