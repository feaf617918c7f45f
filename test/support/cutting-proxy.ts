/** A TCP proxy that cuts connections at a chosen step of the SSH handshake. To be started while a test runs. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { TestServer } from './test-server.ts';

/** When a connection is cut. */
export type CutAt =
  /** As soon as it is accepted. */
  | 'accept'
  /** When the identification of the server has come, which the client does not get. */
  | 'identification'
  /** When the server has sent its keys, which the client does not get. */
  | 'key exchange'
  /** When the client has asked to be let in. */
  | 'authentication';

/** How it is cut: by RST, by FIN, or by nothing that goes through any more. */
export type CutHow = 'reset' | 'close' | 'silence';

export interface Cut {
  readonly at: CutAt;
  readonly how: CutHow;
}

export interface CuttingProxy {
  readonly port: number;
  /** The step at which each connection was cut, in order. */
  readonly cuts: readonly CutAt[];
  /** Connections so far. */
  readonly accepted: number;
}

/** `plan` says what becomes of connection `index`, counted from 0; it lives if it is not cut. */
export async function cuttingProxyForTest(
  server: TestServer,
  plan: (index: number) => Cut | undefined,
  port = 0,
): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  const cuts: CutAt[] = [];
  let accepted = 0;
  const listener: Server = createServer({ noDelay: true }, (client) => {
    const cut = plan(accepted++);
    const upstream = connect({ host: server.host, port: server.port, noDelay: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    join(client, upstream, cut, () => cuts.push(cut!.at));
  });
  listener.listen(port, '127.0.0.1');
  await once(listener, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => listener.close(resolve));
  });
  const own = (listener.address() as AddressInfo).port;
  await server.trustPort(own);
  return {
    port: own,
    cuts,
    get accepted() {
      return accepted;
    },
  };
}

function join(client: Socket, upstream: Socket, cut: Cut | undefined, onCut: () => void): void {
  let isCut = false;
  const now = (): void => {
    isCut = true;
    onCut();
    upstream.destroy();
    if (cut!.how === 'reset') client.resetAndDestroy();
    else if (cut!.how === 'close') client.end();
  };
  if (cut?.at === 'accept') return now();
  const fromServer = new ClearSteps();
  const fromClient = new ClearSteps();
  /** The server has answered the first thing that the client sent encrypted: it may ask to be let in now. */
  let isServing = false;
  upstream.on('data', (chunk) => {
    if (isCut) return;
    fromServer.add(chunk);
    isServing ||= fromServer.isEncrypted && fromClient.isEncrypted;
    if (cut?.at === 'identification' || (cut?.at === 'key exchange' && fromServer.hasKeys)) return now();
    client.write(chunk);
  });
  client.on('data', (chunk) => {
    if (isCut) return;
    fromClient.add(chunk);
    if (cut?.at === 'authentication' && isServing && chunk.length >= SHORTEST_LOGIN) return now();
    upstream.write(chunk);
  });
  client.on('close', () => upstream.destroy());
  upstream.on('close', () => {
    if (!isCut) client.destroy();
  });
}

const NEWKEYS = 21;
/** Bytes of an encrypted request to be let in, at least; a goodbye is shorter. */
const SHORTEST_LOGIN = 64;

/** Follows what one side sends while it is still in the clear: its identification, then packets up to NEWKEYS. */
class ClearSteps {
  #bytes: Buffer = Buffer.alloc(0);
  #isIdentified = false;
  /** It has sent NEWKEYS. */
  hasKeys = false;
  /** And something after that. */
  isEncrypted = false;

  add(chunk: Buffer): void {
    if (this.isEncrypted) return;
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (!this.#isIdentified) {
      const end = this.#bytes.indexOf(0x0a);
      if (end < 0) return;
      this.#isIdentified = true;
      this.#bytes = this.#bytes.subarray(end + 1);
    }
    while (this.#bytes.length >= 6 && !this.hasKeys) {
      const length = 4 + this.#bytes.readUInt32BE(0);
      if (this.#bytes.length < length) return;
      this.hasKeys = this.#bytes[5] === NEWKEYS;
      this.#bytes = this.#bytes.subarray(length);
    }
    this.isEncrypted = this.hasKeys && this.#bytes.length > 0;
  }
}
