import { CopyError } from '../../errors.ts';
import { PacketFramer } from './codec/packet-framer.ts';
import { parseReply } from './codec/replies.ts';
import { Greeting } from './session-greeting.ts';
import type { PacketInlet, ReadPool } from './session-inlet.ts';
import type { RequestTable } from './session-request-table.ts';

export interface ReceiverOptions {
  /** See `SessionOptions`. */
  readonly inlet: PacketInlet | undefined;
  readonly readPool: ReadPool;
}

/**
 * How many bytes of an incomplete packet count as activity. A few bytes now and then must not keep a connection alive.
 */
const ACTIVITY_BYTES = 1024;

/**
 * Receives the replies of the server, and settles the requests that they answer.
 *
 * What arrives may be something else than SFTP, or no reply to a request in flight. It cannot be skipped: `onFailed` is
 * called, and must end the requests. What arrives after the end of the requests is ignored.
 *
 * States: greeting (VERSION is awaited, from the Duplex), begun (the inlet receives, if there is one).
 */
export class ReplyReceiver {
  readonly #requests: RequestTable;
  readonly #onFailed: (reason: CopyError) => void;
  readonly #framer: PacketFramer;
  /** Set until it has begun. */
  #inlet: PacketInlet | undefined;
  #greeting: Greeting | undefined = new Greeting();
  /** How many bytes were received since the last activity. */
  #sinceActivity = 0;

  constructor(requests: RequestTable, { inlet, readPool }: ReceiverOptions, onFailed: (reason: CopyError) => void) {
    this.#requests = requests;
    this.#onFailed = onFailed;
    this.#framer = new PacketFramer({}, inlet && readPool.allocate);
    this.#inlet = inlet;
  }

  /** Set until VERSION was received. */
  get greeting(): Greeting | undefined {
    return this.#greeting;
  }

  /** To be called with the bytes that arrive. Never throws. */
  readonly onBytes = (chunk: Buffer): void => {
    // An inlet does not know that the channel has ended.
    if (this.#requests.ended !== undefined) return;
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
      this.#onFailed(this.#greeting?.explain(reason) ?? reason);
    }
  };

  #onActivity(): void {
    this.#sinceActivity = 0;
    this.#requests.onActivity();
  }

  #receive(packet: Buffer): void {
    this.#requests.settle(parseReply(packet));
    this.#greeting = undefined;
    this.#inlet?.begin(this.onBytes);
    this.#inlet = undefined;
  }
}
