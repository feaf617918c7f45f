/**
 * Passes what arrives on the channel of the sftp subsystem directly from the cipher of ssh2 to the session: ssh2 gets
 * whole packets, which it decrypts where they lie, and the stream of the channel is left out. This depends on the
 * internals of one version of ssh2. With any other, everything takes the public interface.
 */
import type { Client, ClientChannel } from 'ssh2';
import type { PacketInlet } from '../session-inlet.ts';
import { KNOWN_VERSION } from './fast-outlet.ts';
import type { ReadSplitter, SocketReader } from './socket-reader.ts';

/** The receive window of a channel in ssh2, in bytes. */
const WINDOW = 2 * 1024 * 1024;
/**
 * When so many bytes were received, the next request tells the server that it may send as many again, which costs no
 * system call of its own. It is in time, because the requests in flight ask for no more than the window, unless the user
 * wants more of them.
 */
const ADJUST_WITH_REQUEST = WINDOW / 8;
/** Without a request, the server is told so when this many bytes were received, as by ssh2 itself. */
const ADJUST_ALONE = WINDOW / 2;
/** The length field and the authentication code of a packet, and the longest packet that ssh2 accepts (crypto.js). */
const LENGTH_FIELD = 4;
const TAG = 16;
const MAX_PACKET = 35_000;
/** The class whose packets have their length in the clear, and which decrypts whole packets where they lie. */
const SPLITTABLE = 'AESGCMDecipherBinding';

/** The internals of ssh2 that are used. */
interface Decipher {
  readonly _lenBytes?: number;
  /** A packet of which a part is still to come, or null. */
  readonly _packet?: Uint8Array | null;
}
type OnData = (protocol: unknown, recipient: number, data: Buffer) => void;
type OnAdjust = (protocol: unknown, recipient: number, amount: number) => void;
interface Protocol {
  readonly _identRaw: Buffer;
  readonly _kexinit: unknown;
  readonly _decipher: Decipher;
  _onPacket: () => void;
  readonly _handlers: { CHANNEL_DATA: OnData; CHANNEL_WINDOW_ADJUST: OnAdjust };
  channelWindowAdjust(recipient: number, amount: number): void;
}
interface Incoming {
  readonly id: number;
  window: number;
}
interface Outgoing {
  readonly id: number;
  readonly state: string;
}

/** Undefined where ssh2 has another version. */
export function fastInlet(client: Client, channel: ClientChannel, reader: SocketReader): FastInlet | undefined {
  const protocol = Reflect.get(client, '_protocol') as Protocol | undefined;
  if (protocol?._identRaw?.toString('latin1') !== KNOWN_VERSION) return undefined;
  return new FastInlet(protocol, channel, reader);
}

export class FastInlet implements PacketInlet, ReadSplitter {
  readonly #protocol: Protocol;
  readonly #channel: ClientChannel;
  readonly #reader: SocketReader;
  readonly #incoming: Incoming;
  readonly #outgoing: Outgoing;
  /** Packets since bytes were taken: all of them, and those of which nobody keeps anything. */
  #packets = 0;
  #released = 0;

  constructor(protocol: Protocol, channel: ClientChannel, reader: SocketReader) {
    this.#protocol = protocol;
    this.#channel = channel;
    this.#reader = reader;
    this.#incoming = Reflect.get(channel, 'incoming') as Incoming;
    this.#outgoing = Reflect.get(channel, 'outgoing') as Outgoing;
  }

  begin(onBytes: (bytes: Buffer) => void): void {
    const protocol = this.#protocol;
    const handlers = protocol._handlers;
    const { _onPacket: onPacket } = protocol;
    const { CHANNEL_DATA: onData, CHANNEL_WINDOW_ADJUST: onAdjust } = handlers;
    protocol._onPacket = () => {
      this.#packets++;
      Reflect.apply(onPacket, protocol, []);
    };
    handlers.CHANNEL_WINDOW_ADJUST = (of, recipient, amount) => {
      this.#released++;
      onAdjust(of, recipient, amount);
    };
    handlers.CHANNEL_DATA = (of, recipient, data) => {
      // What arrived before may still be in the stream. Nothing may overtake it.
      if (recipient !== this.#incoming.id || this.#channel.readableLength > 0) return onData(of, recipient, data);
      this.#released++;
      this.#receive(data, onBytes);
    };
    this.#reader.split(this);
  }

  #receive(data: Buffer, onBytes: (bytes: Buffer) => void): void {
    const incoming = this.#incoming;
    // As ssh2 does with what the server was not allowed to send.
    if (incoming.window === 0) return;
    incoming.window -= data.length;
    onBytes(data);
    this.#adjust(ADJUST_ALONE);
  }

  /** To be called before a request is sent in the same turn of the event loop. */
  onRequest(): void {
    this.#adjust(ADJUST_WITH_REQUEST);
  }

  /** Lets the server send as many bytes as were received, if these are at least `least`. */
  #adjust(least: number): void {
    const used = WINDOW - this.#incoming.window;
    if (used < least || this.#outgoing.state === 'closed') return;
    this.#incoming.window += used;
    this.#protocol.channelWindowAdjust(this.#outgoing.id, used);
  }

  /** As many whole packets as there are; everything where ssh2 itself has to find out where packets begin. */
  take(bytes: Buffer): number {
    this.#packets = 0;
    this.#released = 0;
    const { _decipher: decipher, _kexinit: exchange } = this.#protocol;
    const canSplit = decipher.constructor.name === SPLITTABLE && decipher._lenBytes === 0 && exchange === undefined;
    if (!canSplit) return bytes.length;
    let end = 0;
    while (bytes.length - end >= LENGTH_FIELD) {
      const length = bytes.readUInt32BE(end);
      // ssh2 reports it.
      if (length > MAX_PACKET) return bytes.length;
      const next = end + LENGTH_FIELD + length + TAG;
      if (next > bytes.length) break;
      end = next;
    }
    return end;
  }

  isInUse({ buffer }: Buffer): boolean {
    const { _decipher: decipher, _kexinit: exchange } = this.#protocol;
    return this.#packets !== this.#released || exchange !== undefined || decipher._packet?.buffer === buffer;
  }
}
