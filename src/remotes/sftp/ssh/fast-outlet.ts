/**
 * Passes WRITEs directly to the cipher of ssh2 and to the socket. They are encrypted in place, whereas ssh2 would copy
 * each into a new packet. This depends on the internals of one version of ssh2. With any other version, during a key
 * exchange, and where the window of the channel has no room, packets take the public interface.
 */
import { randomFillSync } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { type Packet, type PacketOutlet, writeAll } from '../session-outlet.ts';
import { MAX_PAYLOAD } from '../session-pool.ts';
import { maxPacketOf } from './ssh2-internals.ts';

/** The version of ssh2 that this code was written for and tested with, as ssh2 announces it to servers. */
export const KNOWN_VERSION = 'SSH-2.0-ssh2js1.17.0';

/** Packet length and padding length (RFC 4253, 6), then message number, channel and data length (RFC 4254, 5.2). */
const PACKET_HEADER = 5;
const DATA_HEADER = 9;
const CHANNEL_DATA = 94;
const HEAD_ROOM = PACKET_HEADER + DATA_HEADER;
/**
 * Where requests follow one another, those of so many milliseconds are sent together: hundreds of small files cause
 * thousands of them a second, and each packet and each call of the system costs more than a request.
 */
const GATHER_MS = 1;
/** More than this are sent at once, with what was gathered before. */
const MAX_GATHERED_PACKETS = 2;
/** How many random bytes are drawn at a time, for the padding of many packets. */
const PADDING_LENGTH = 16 * 1024;

/** The internals of ssh2 that are used. */
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

/** The layout of a packet with a payload of a certain length, for a certain cipher. */
interface Layout {
  readonly cipher: Cipher;
  readonly payloadLength: number;
  /** The length of the whole packet, including its authentication code. */
  readonly length: number;
  /** The value of the length field of the packet. */
  readonly lengthField: number;
  readonly paddingLength: number;
}

/**
 * Undefined where ssh2 has another version, or where the packets of the server are too small for this to pay off.
 * @param onGather sends what is to be sent together with the next request
 */
export function fastOutlet(
  client: Client,
  channel: ClientChannel,
  socket: Duplex,
  onGather: () => void,
): PacketOutlet | undefined {
  const protocol = Reflect.get(client, '_protocol') as Protocol | undefined;
  if (protocol?._identRaw?.toString('latin1') !== KNOWN_VERSION) return undefined;
  // Each packet takes a whole buffer, so that a window of small packets would take many times its size.
  if ((maxPacketOf(channel) ?? 0) < MAX_PAYLOAD / 2) return undefined;
  return new FastOutlet(protocol, channel, socket, onGather);
}

type OnTaken = (error?: Error | null) => void;

/** Bytes for the channel, or packets. */
type Gathered =
  | { readonly bytes: Buffer; readonly packets?: undefined; readonly onTaken: OnTaken }
  | { readonly packets: readonly Packet[]; readonly bytes?: undefined; readonly onTaken: OnTaken };

class FastOutlet implements PacketOutlet {
  readonly headRoom: number = HEAD_ROOM;
  readonly maxPayload: number;
  readonly #protocol: Protocol;
  readonly #channel: ClientChannel;
  readonly #outgoing: Outgoing;
  readonly #socket: Duplex;
  readonly #onGather: () => void;
  #layout: Layout | undefined;
  #isGathering = false;
  /** When requests were last sent. */
  #gatheredAtMs = Number.NEGATIVE_INFINITY;
  /** What was written since then. */
  #gathered: Gathered[] = [];

  constructor(protocol: Protocol, channel: ClientChannel, socket: Duplex, onGather: () => void) {
    this.#protocol = protocol;
    this.#channel = channel;
    this.#outgoing = Reflect.get(channel, 'outgoing') as Outgoing;
    this.#socket = socket;
    this.#onGather = onGather;
    this.maxPayload = Math.min(MAX_PAYLOAD, this.#outgoing.packetSize);
  }

  send(packets: readonly Packet[], onTaken: OnTaken): void {
    this.#gathered.push({ packets, onTaken });
    if (packets.length > MAX_GATHERED_PACKETS) this.#sendGathered();
    else this.#sendSoon();
  }

  write(bytes: Buffer, onTaken: OnTaken): void {
    this.#gathered.push({ bytes, onTaken });
    this.#sendSoon();
  }

  #sendSoon(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    if (performance.now() - this.#gatheredAtMs < GATHER_MS) setTimeout(this.#sendGathered, GATHER_MS);
    else process.nextTick(this.#sendGathered);
  }

  readonly #sendGathered = (): void => {
    this.#isGathering = false;
    const gathered = this.#gathered;
    if (gathered.length === 0) return;
    this.#gathered = [];
    this.#gatheredAtMs = performance.now();
    // The channel may have been closed meanwhile, which has rejected the requests.
    if (!this.#channel.writable) return;
    this.#socket.cork();
    try {
      this.#sendAll(gathered);
    } catch (error) {
      // ssh2 throws where a connection breaks down. The session ends with that, and nothing else does.
      for (const { onTaken } of gathered) onTaken(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#socket.uncork();
    }
  };

  #sendAll(gathered: readonly Gathered[]): void {
    this.#onGather();
    for (let index = 0; index < gathered.length; ) {
      const { packets, onTaken } = gathered[index]!;
      if (packets === undefined) {
        index = this.#writeTogether(gathered, index);
        continue;
      }
      this.#sendPackets(packets, onTaken);
      index++;
    }
  }

  /** Writes the bytes from `first` on, as far as no packets come between them. Returns what comes next. */
  #writeTogether(gathered: readonly Gathered[], first: number): number {
    let next = first;
    while (next < gathered.length && gathered[next]!.bytes !== undefined) next++;
    const some = gathered.slice(first, next);
    this.#channel.write(
      some.length === 1 ? some[0]!.bytes! : Buffer.concat(some.map(({ bytes }) => bytes!)),
      (error) => {
        for (const { onTaken } of some) onTaken(error);
      },
    );
    return next;
  }

  #sendPackets(packets: readonly Packet[], onTaken: OnTaken): void {
    const now = this.#sendableNow(packets);
    if (now === packets.length) return this.#sendNow(packets, onTaken);
    // What the window has no room for waits in the channel. The packets are taken when both parts are, or when one
    // fails.
    let open = now > 0 ? 2 : 1;
    const onPartTaken = (error?: Error | null): void => {
      if (error || --open === 0) onTaken(error);
    };
    if (now > 0) this.#sendNow(packets.slice(0, now), onPartTaken);
    writeAll(this.#channel, packets.slice(now), HEAD_ROOM, onPartTaken);
  }

  /**
   * How many packets may be sent now. None may overtake data that waits in the channel, or be sent during a key
   * exchange.
   */
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

  #sendNow(packets: readonly Packet[], onTaken: OnTaken): void {
    this.#socket.cork();
    for (const packet of packets) this.#seal(packet);
    // An empty write is taken when everything before it is.
    this.#socket.write(NOTHING, onTaken);
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

  /** Takes the layout from ssh2 itself, once for consecutive packets of one length. */
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
const PADDING = Buffer.alloc(PADDING_LENGTH);
let paddingUsed = PADDING_LENGTH;

/** Fills in random bytes, none of which is used twice (RFC 4253, 6). */
function pad(buffer: Buffer, offset: number, length: number): void {
  if (paddingUsed + length > PADDING_LENGTH) {
    randomFillSync(PADDING);
    paddingUsed = 0;
  }
  PADDING.copy(buffer, offset, paddingUsed, paddingUsed + length);
  paddingUsed += length;
}
