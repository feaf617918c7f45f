import type { Duplex } from 'node:stream';
import { CopyError } from '../../errors.ts';
import { deferred } from '../../util/deferred.ts';
import { PROTOCOL_VERSION } from './codec/constants.ts';
import type { VersionReply } from './codec/replies.ts';
import { encodeRequest } from './codec/requests.ts';
import type { Packet, PacketOutlet } from './session-outlet.ts';
import type { Expected } from './session-pending.ts';
import type { PacketPool } from './session-pool.ts';
import { type ReceiverOptions, ReplyReceiver } from './session-receiver.ts';
import { RequestTable, type RequestTableOptions, VERSION_ID } from './session-request-table.ts';
import type { WriteRequest } from './session-write.ts';

export interface ChannelOptions extends RequestTableOptions, ReceiverOptions {
  readonly outlet: PacketOutlet;
  readonly pool: PacketPool;
  /** Whether a Duplex on which SFTP does not begin is drained instead of destroyed. */
  readonly leavesDuplex: boolean;
}

/** A WRITE and the offset of its data in the file. */
export interface PlacedWrite {
  readonly request: WriteRequest;
  readonly offset: number;
}

/** How long {@link SessionChannel.close} waits for the server to close the channel. */
const CLOSE_TIMEOUT_MS = 1000;

/**
 * Sends requests over a Duplex, which it owns. A {@link ReplyReceiver} receives the replies, and a {@link RequestTable}
 * matches them with the requests.
 *
 * The Duplex can end, fail or be silent, and the server can send something that is not SFTP, or a reply to no request.
 * Each of these ends the channel: all requests, present and later, reject with the same error. Every request is
 * settled, either by a reply, by its deadline or by the end of the channel.
 *
 * States: greeting (INIT is sent, VERSION is awaited), open, ended.
 */
export class SessionChannel {
  readonly #duplex: Duplex;
  readonly #outlet: PacketOutlet;
  readonly #pool: PacketPool;
  readonly #leavesDuplex: boolean;
  readonly #requests: RequestTable;
  readonly #receiver: ReplyReceiver;
  readonly #closed = deferred<CopyError | undefined>();
  #closing: Promise<void> | undefined;

  constructor(duplex: Duplex, options: ChannelOptions) {
    this.#duplex = duplex;
    this.#outlet = options.outlet;
    this.#pool = options.pool;
    this.#leavesDuplex = options.leavesDuplex;
    const fail = (reason: CopyError) => this.fail(reason);
    this.#requests = new RequestTable(options, fail);
    this.#receiver = new ReplyReceiver(this.#requests, options, fail);
    duplex.on('data', this.#receiver.onBytes).on('end', this.#onEnd);
    duplex.on('close', this.#onClose).on('error', this.#onError);
    if (duplex.destroyed) this.#onClose();
  }

  /** Resolves once, when the channel has ended: with the reason, or undefined after {@link close}. Never rejects. */
  get closed(): Promise<CopyError | undefined> {
    return this.#closed.promise;
  }

  get inFlight(): number {
    return this.#requests.size;
  }

  /**
   * Sends INIT. To be called before any request.
   * @throws {CopyError} `protocol`: when the server does not answer with VERSION 3
   */
  async greet(): Promise<VersionReply> {
    if (this.#requests.ended !== undefined) throw this.#requests.ended;
    const init = encodeRequest({ type: 'init', version: PROTOCOL_VERSION });
    const reply = (await this.#send(VERSION_ID, init, 'version', 0, 0)) as VersionReply;
    if (reply.version === PROTOCOL_VERSION) return reply;
    throw this.fail(new CopyError('protocol', `The server speaks SFTP version ${reply.version}, not 3.`));
  }

  /** Sends the packet that `encode` returns for an id. For the result, see {@link RequestTable.add}. */
  request(expects: Expected, encode: (id: number) => Buffer, slowMs = 0, length = 0): Promise<unknown> {
    try {
      const id = this.#requests.takeId();
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
        const id = this.#requests.takeId(writes.length);
        request.encodeHeader(id, offset);
        request.isSent = true;
        return id;
      });
      const answers = ids.map((id) => this.#requests.add(id, 'status', 0, 0));
      const packets = writes.flatMap(({ request }) => request.packets);
      this.#transmit(() => this.#outlet.send(packets, (error) => this.#onPacketsTaken(packets, error)));
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

  #send(id: number, bytes: Buffer, expects: Expected, slowMs: number, length: number): Promise<unknown> {
    const answer = this.#requests.add(id, expects, slowMs, length);
    this.#transmit(() => {
      if (this.#outlet.write === undefined) this.#duplex.write(bytes, this.#onTaken);
      else this.#outlet.write(bytes, this.#onTaken);
    });
    return answer;
  }

  /** A Duplex that has broken down may throw instead of emitting an error. */
  #transmit(send: () => void): void {
    try {
      send();
    } catch (error) {
      this.#onError(error);
    }
  }

  readonly #onTaken = (error?: Error | null): void => {
    if (error) this.#onError(error);
    else this.#requests.onActivity();
  };

  readonly #onEnd = (): void => {
    const { greeting } = this.#receiver;
    if (greeting === undefined) this.#onClose();
    else this.fail(greeting.ended());
  };

  readonly #onClose = (): void => {
    this.fail(new CopyError('connection-lost', 'The SFTP channel was closed.'));
  };

  readonly #onError = (error: unknown): void => {
    this.fail(CopyError.from(error, 'connection-lost'));
  };

  /** Ends the channel with `reason`, unless it has ended before. Returns the reason with which it has ended. */
  fail(reason: CopyError): CopyError {
    const { ended } = this.#requests;
    if (ended !== undefined) return ended;
    this.#end(reason);
    if (this.#receiver.greeting !== undefined && this.#leavesDuplex) this.#duplex.resume();
    else this.#duplex.destroy();
    this.#closed.resolve(reason);
    return reason;
  }

  /** Ends the channel; requests in flight reject. Resolves when the server has closed it, or after a second. */
  close(): Promise<void> {
    this.#closing ??= this.#hangUp();
    return this.#closing;
  }

  async #hangUp(): Promise<void> {
    if (this.#requests.ended !== undefined) return;
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
    this.#closed.resolve(undefined);
  }

  /** Stops listening, and rejects the requests in flight. */
  #end(reason: CopyError): void {
    this.#requests.end(reason);
    const duplex = this.#duplex;
    duplex.off('data', this.#receiver.onBytes).off('end', this.#onEnd);
    duplex.off('close', this.#onClose).off('error', this.#onError);
    if (!duplex.closed) duplex.on('error', ignore).once('close', () => duplex.off('error', ignore));
  }
}

/** A stream that is being closed may still emit errors, which do not matter because the reason of the end is known. */
function ignore(): void {}
