/**
 * WRITEs straight into ssh2's cipher and on to the socket: encrypted where they lie, instead of being copied into a
 * packet of its own each. It knows the inside of one version of ssh2; with any other, and whenever the channel is not
 * plainly open (a key exchange, no room in the window), packets go by the public interface.
 */
import { randomFillSync } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Client, ClientChannel } from 'ssh2';
import { type Packet, type PacketOutlet, writeAll } from '../session-outlet.ts';
import { MAX_PAYLOAD } from '../session-pool.ts';
import { maxPacketOf } from './ssh2-internals.ts';

/** The one version it was written for and tested with, as ssh2 tells it to servers. */
export const KNOWN_VERSION = 'SSH-2.0-ssh2js1.17.0';

/** Length and length of padding (RFC 4253, 6), then the message's number, channel and length (RFC 4254, 5.2). */
const PACKET_HEADER = 5;
const DATA_HEADER = 9;
const CHANNEL_DATA = 94;
const HEAD_ROOM = PACKET_HEADER + DATA_HEADER;
/** Drawn at once, for many packets. */
const PADDING_LENGTH = 16 * 1024;

/** The parts of ssh2 that are used, as they are in the version known. */
interface Cipher {
  allocPacket(payloadLength: number): Buffer;
  encrypt(packet: Buffer): void;
}
interface Protocol {
  readonly _identRaw: Buffer;
  readonly _kexinit: unknown;
  readonly _cipher: Cipher;
  readonly _packetRW: { readonly write: { readonly allocStart: number } };
}
interface Outgoing {
  readonly id: number;
  readonly packetSize: number;
  readonly state: string;
  window: number;
}

/** How a cipher wants a payload of one length wrapped. */
interface Layout {
  readonly cipher: Cipher;
  readonly payloadLength: number;
  /** Of the whole packet, with room for what authenticates it. */
  readonly length: number;
  /** What the packet says of its length. */
  readonly lengthField: number;
  readonly paddingLength: number;
}

/** Undefined where ssh2 is not the version that is known. */
export function fastOutlet(client: Client, channel: ClientChannel, socket: Socket): PacketOutlet | undefined {
  const protocol = Reflect.get(client, '_protocol') as Protocol | undefined;
  if (protocol?._identRaw?.toString('latin1') !== KNOWN_VERSION) return undefined;
  // Each packet has a whole buffer: of small ones a window would take many times its size.
  if ((maxPacketOf(channel) ?? 0) < MAX_PAYLOAD / 2) return undefined;
  return new FastOutlet(protocol, channel, socket);
}

class FastOutlet implements PacketOutlet {
  readonly headRoom: number = HEAD_ROOM;
  readonly maxPayload: number;
  readonly #protocol: Protocol;
  readonly #channel: ClientChannel;
  readonly #outgoing: Outgoing;
  readonly #socket: Socket;
  #layout: Layout | undefined;

  constructor(protocol: Protocol, channel: ClientChannel, socket: Socket) {
    this.#protocol = protocol;
    this.#channel = channel;
    this.#outgoing = Reflect.get(channel, 'outgoing') as Outgoing;
    this.#socket = socket;
    this.maxPayload = Math.min(MAX_PAYLOAD, this.#outgoing.packetSize);
  }

  send(packets: readonly Packet[], taken: (error?: Error | null) => void): void {
    const now = this.#sendableNow(packets);
    if (now === packets.length) return this.#sendNow(packets, taken);
    // What the window has no room for waits in the channel. Taken when both parts are, or when one fails.
    let open = now > 0 ? 2 : 1;
    const partTaken = (error?: Error | null): void => {
      if (error || --open === 0) taken(error);
    };
    if (now > 0) this.#sendNow(packets.slice(0, now), partTaken);
    writeAll(this.#channel, packets.slice(now), HEAD_ROOM, partTaken);
  }

  /** How many may go at once: none may overtake what waits in the channel, or come into a key exchange. */
  #sendableNow(packets: readonly Packet[]): number {
    const { _kexinit, _packetRW } = this.#protocol;
    const isPlainlyOpen =
      _kexinit === undefined &&
      // Without compression.
      _packetRW.write.allocStart === PACKET_HEADER &&
      this.#outgoing.state === 'open' &&
      this.#channel.writableLength === 0 &&
      this.#socket.writable;
    if (!isPlainlyOpen) return 0;
    let room = this.#outgoing.window;
    let now = 0;
    while (now < packets.length && packets[now]!.length <= room) room -= packets[now++]!.length;
    return now;
  }

  #sendNow(packets: readonly Packet[], taken: (error?: Error | null) => void): void {
    this.#socket.cork();
    for (const packet of packets) this.#seal(packet);
    // Taken when everything before it is.
    this.#socket.write(NOTHING, taken);
    this.#socket.uncork();
  }

  #seal({ buffer, length }: Packet): void {
    const payloadLength = DATA_HEADER + length;
    const layout = this.#layoutOf(payloadLength);
    buffer.writeUInt32BE(layout.lengthField, 0);
    buffer[4] = layout.paddingLength;
    buffer[PACKET_HEADER] = CHANNEL_DATA;
    buffer.writeUInt32BE(this.#outgoing.id, PACKET_HEADER + 1);
    buffer.writeUInt32BE(length, PACKET_HEADER + 5);
    pad(buffer, PACKET_HEADER + payloadLength, layout.paddingLength);
    this.#outgoing.window -= length;
    layout.cipher.encrypt(buffer.subarray(0, layout.length));
  }

  /** ssh2 itself is asked, once for the packets of one length that follow each other. */
  #layoutOf(payloadLength: number): Layout {
    const known = this.#layout;
    const cipher = this.#protocol._cipher;
    if (known?.cipher === cipher && known.payloadLength === payloadLength) return known;
    const packet = cipher.allocPacket(payloadLength);
    this.#layout = {
      cipher,
      payloadLength,
      length: packet.length,
      lengthField: packet.readUInt32BE(0),
      paddingLength: packet[4]!,
    };
    return this.#layout;
  }
}

const NOTHING = Buffer.alloc(0);
const padding = Buffer.alloc(PADDING_LENGTH);
let paddingUsed = PADDING_LENGTH;

/** Random bytes, none of them used twice (RFC 4253, 6). */
function pad(buffer: Buffer, offset: number, length: number): void {
  if (paddingUsed + length > PADDING_LENGTH) {
    randomFillSync(padding);
    paddingUsed = 0;
  }
  padding.copy(buffer, offset, paddingUsed, paddingUsed + length);
  paddingUsed += length;
}
