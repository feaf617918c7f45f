import type { Duplex } from 'node:stream';
import { CopyError } from '../../errors.ts';
import { PROTOCOL_VERSION } from './codec/constants.ts';
import { PacketFramer } from './codec/packet-framer.ts';
import { parseReply, type VersionReply } from './codec/replies.ts';
import { encodeRequest } from './codec/requests.ts';
import { SessionDeadlines } from './session-deadlines.ts';
import { Greeting } from './session-greeting.ts';
import type { Packet, PacketOutlet } from './session-outlet.ts';
import { type Expected, type PendingRequest, settle } from './session-pending.ts';
import type { PacketPool } from './session-pool.ts';
import type { WriteRequest } from './session-write.ts';

export interface ChannelOptions {
  readonly stallTimeoutMs: number;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
  /** Where the ids of requests begin, uint32. */
  readonly firstId: number;
  readonly outlet: PacketOutlet;
  readonly pool: PacketPool;
  /** Whether a Duplex on which no SFTP begins is drained instead of destroyed. */
  readonly leavesDuplex: boolean;
}

/** A WRITE and where its data goes. */
export interface PlacedWrite {
  readonly request: WriteRequest;
  readonly offset: number;
}

/** Requests that may be under way at once. */
const maxPending = 4096;
/** How long {@link SessionChannel.close} waits for the server to hang up. */
const closeTimeoutMs = 1000;
/** A part of a packet counts as a sign of life from this length on: a few bytes now and then are none. */
const activityBytes = 1024;
/** VERSION carries no id; its request waits under one that no other can have. */
const versionId = -1;

/** The machinery of a session: requests out, replies in, matched by id, over a Duplex that it owns. */
export class SessionChannel {
  /** Resolves once, when the channel has ended: with the reason, or undefined after {@link close}. Never rejects. */
  readonly closed: Promise<CopyError | undefined>;
  readonly #resolveClosed: (reason: CopyError | undefined) => void;
  readonly #duplex: Duplex;
  readonly #outlet: PacketOutlet;
  readonly #pool: PacketPool;
  readonly #leavesDuplex: boolean;
  readonly #framer = new PacketFramer();
  /** Oldest first. */
  readonly #pending = new Map<number, PendingRequest>();
  readonly #deadlines: SessionDeadlines;
  #nextId: number;
  /** Until VERSION has come. */
  #greeting: Greeting | undefined = new Greeting();
  /** Bytes received that were no sign of life yet. */
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

  /** Sends INIT; must come first. Rejects with `protocol` if what comes back is no SFTP. */
  async greet(): Promise<VersionReply> {
    const init = encodeRequest({ type: 'init', version: PROTOCOL_VERSION });
    const reply = (await this.#send(versionId, init, 'version', 0, 0)) as VersionReply;
    if (reply.version === PROTOCOL_VERSION) return reply;
    throw this.fail(new CopyError('protocol', `The server speaks SFTP version ${reply.version}, not 3.`));
  }

  /**
   * Sends what `encode` makes of an id; resolves as {@link settle} says.
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

  /** Sends WRITEs in one go, in order; each resolves when the server says OK to it. None is sent if one cannot be. */
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

  /** `count`: how many requests are about to be made. */
  #takeId(count = 1): number {
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#pending.size + count > maxPending)
      throw new CopyError('bug', `More than ${maxPending} requests are in flight.`);
    let id = this.#nextId;
    while (this.#pending.has(id)) id = (id + 1) >>> 0;
    this.#nextId = (id + 1) >>> 0;
    return id;
  }

  #send(id: number, bytes: Buffer, expects: Expected, slowMs: number, length: number): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const answer = this.#expect(id, expects, slowMs, length);
    this.#duplex.write(bytes, this.#onTaken);
    return answer;
  }

  #expect(id: number, expects: Expected, slowMs: number, length: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const request: PendingRequest = { expects, length, slowMs, resolve, reject, oldestSince: undefined };
      this.#pending.set(id, request);
      this.#deadlines.begun(request);
    });
  }

  readonly #onTaken = (error?: Error | null): void => {
    if (error) this.#onError(error);
    else this.#deadlines.activity();
  };

  readonly #onData = (chunk: Buffer): void => {
    this.#greeting?.add(chunk);
    this.#sinceActivity += chunk.length;
    if (this.#sinceActivity >= activityBytes) this.#active();
    try {
      this.#framer.push(chunk);
      for (let packet = this.#framer.next(); packet !== undefined; packet = this.#framer.next()) {
        this.#active();
        this.#receive(packet);
      }
    } catch (error) {
      const reason = CopyError.from(error);
      this.fail(this.#greeting?.explain(reason) ?? reason);
    }
  };

  #active(): void {
    this.#sinceActivity = 0;
    this.#deadlines.activity();
  }

  #receive(packet: Buffer): void {
    const reply = parseReply(packet);
    const id = reply.type === 'version' ? versionId : reply.id;
    const request = this.#pending.get(id);
    if (request === undefined) throw new CopyError('protocol', 'The server answered a request that nobody made.');
    settle(request, reply);
    this.#greeting = undefined;
    this.#pending.delete(id);
    this.#deadlines.settled(request);
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

  /** Ends the channel at once with `reason`, unless it has ended before; returns the reason that holds. */
  fail(reason: CopyError): CopyError {
    if (this.#ended !== undefined) return this.#ended;
    this.#end(reason);
    if (this.#greeting !== undefined && this.#leavesDuplex) this.#duplex.resume();
    else this.#duplex.destroy();
    this.#resolveClosed(reason);
    return reason;
  }

  /** Ends the channel; what is under way rejects. Resolves when the server has hung up, or after a second. */
  close(): Promise<void> {
    this.#closing ??= this.#hangUp();
    return this.#closing;
  }

  async #hangUp(): Promise<void> {
    if (this.#ended !== undefined) return;
    this.#end(new CopyError('connection-lost', 'The session was closed.'));
    const duplex = this.#duplex;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, closeTimeoutMs);
      function done(): void {
        clearTimeout(timer);
        duplex.off('end', done).off('close', done).off('error', done);
        resolve();
      }
      duplex.on('end', done).on('close', done).on('error', done);
      // Replies that still come are thrown away; without a reader the end would never be seen.
      duplex.resume().end();
    });
    duplex.destroy();
    this.#resolveClosed(undefined);
  }

  /** Listens no more, and rejects what is under way. */
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

/** A stream that is being torn down may still fail; the reason that counts is known by then. */
function ignore(): void {}
