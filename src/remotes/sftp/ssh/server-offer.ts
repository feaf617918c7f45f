/** The algorithms that a server offers, from its first packet (RFC 4253, 7.1). */
import type { Duplex } from 'node:stream';

export interface ServerOffer {
  readonly keyExchange: readonly string[];
  readonly hostKeys: readonly string[];
  readonly ciphers: readonly string[];
  readonly macs: readonly string[];
}

const KEXINIT = 20;
const COOKIE_LENGTH = 16;
/** The largest packet that a server may send before the keys are exchanged (RFC 4253, 6.1). */
const MAX_PACKET = 35_000;
/** How much is read until that packet is complete, with what may stand before the identification line. */
const MAX_BYTES = 8192 + MAX_PACKET;

/** Listens to `socket` until the server has told its algorithms, or something else comes. */
export class OfferReader {
  #offer: ServerOffer | undefined;

  constructor(socket: Duplex) {
    let bytes: Buffer = Buffer.alloc(0);
    const listen = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      const line = /^SSH-[^\n]*\n/m.exec(bytes.toString('latin1'));
      const read = line === null ? undefined : readServerOffer(bytes.subarray(line.index + line[0].length));
      if (read === undefined && bytes.length <= MAX_BYTES) return;
      socket.removeListener('data', listen);
      if (read !== 'unreadable') this.#offer = read;
    };
    // First, because ssh2 fails at once where no algorithm suits it.
    socket.prependListener('data', listen);
  }

  /** Undefined until it is known. */
  get offer(): ServerOffer | undefined {
    return this.#offer;
  }
}

/**
 * Undefined while `bytes`, which follow the identification line, are not the whole packet; `unreadable` where they are
 * no such packet.
 */
export function readServerOffer(bytes: Buffer): ServerOffer | 'unreadable' | undefined {
  if (bytes.length < 4) return undefined;
  const length = bytes.readUInt32BE(0);
  if (length > MAX_PACKET) return 'unreadable';
  if (bytes.length < 4 + length) return undefined;
  const payload = bytes.subarray(5, 4 + length);
  if (payload[0] !== KEXINIT) return 'unreadable';
  let at = 1 + COOKIE_LENGTH;
  const names = (): readonly string[] | undefined => {
    if (at + 4 > payload.length) return undefined;
    const end = at + 4 + payload.readUInt32BE(at);
    if (end > payload.length) return undefined;
    const list = payload.toString('latin1', at + 4, end);
    at = end;
    return list === '' ? [] : list.split(',');
  };
  // Ciphers and MACs are listed for both directions; those for what the client sends come first.
  const [keyExchange, hostKeys, ciphers, , macs] = [names(), names(), names(), names(), names()];
  if (keyExchange === undefined || hostKeys === undefined || ciphers === undefined || macs === undefined) {
    return 'unreadable';
  }
  // Some names say what else the server understands (RFC 8308; OpenSSH's PROTOCOL, 1.10).
  const algorithms = keyExchange.filter((name) => !/^(kex-strict|ext-info)-/.test(name));
  return { keyExchange: algorithms, hostKeys, ciphers, macs };
}
