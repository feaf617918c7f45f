import { Duplex } from 'node:stream';
import { PacketFramer } from '../../../../src/remotes/sftp/codec/packet-framer.ts';
import { encodeReply, type Reply } from '../../../../src/remotes/sftp/codec/replies.ts';
import { parseRequest, type Request } from '../../../../src/remotes/sftp/codec/requests.ts';

/** Any request but INIT, which has no id. */
export type NumberedRequest = Exclude<Request, { type: 'init' }>;

/** The far end of an in-memory channel: notes every request, and answers when the test says so. */
export class ScriptedServer {
  /** The client's end. */
  readonly channel: Duplex;
  readonly requests: NumberedRequest[] = [];
  /** Each write the client made, as it was. */
  readonly writes: Buffer[] = [];
  /** Set to answer on arrival. */
  onRequest: (request: NumberedRequest) => void = () => {};
  /** While false, the channel takes no bytes. */
  takes = true;
  #held: (() => void)[] = [];
  readonly #framer = new PacketFramer();

  constructor(extensions: ReadonlyMap<string, Uint8Array> | 'silent' = new Map()) {
    this.channel = new Duplex({
      read: () => {},
      write: (chunk: Buffer, _, done) => {
        this.writes.push(chunk);
        this.#receive(Buffer.from(chunk), extensions);
        if (this.takes) done();
        else this.#held.push(done);
      },
      final: (done) => {
        this.channel.push(null);
        done();
      },
    });
  }

  #receive(chunk: Buffer, extensions: ReadonlyMap<string, Uint8Array> | 'silent'): void {
    this.#framer.push(chunk);
    for (let packet = this.#framer.next(); packet !== undefined; packet = this.#framer.next()) {
      const request = parseRequest(packet);
      if (request.type !== 'init') {
        this.requests.push(request);
        this.onRequest(request);
      } else if (extensions !== 'silent') {
        this.reply({ type: 'version', version: 3, extensions });
      }
    }
  }

  reply(reply: Reply): void {
    this.channel.push(encodeReply(reply));
  }

  status(id: number, status = 0, message = ''): void {
    this.reply({ type: 'status', id, status, message: Buffer.from(message), language: Buffer.alloc(0) });
  }

  /** Takes what it held back. */
  release(): void {
    this.takes = true;
    for (const done of this.#held.splice(0)) done();
  }
}
