/**
 * An SSH server between a client and a real server: it lets anybody in, passes `sftp` and commands through, and keeps
 * back chosen requests until a test lets them through, also when their client is dead by then.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import ssh2, { type ClientChannel, type Connection, type ServerChannel, type Session } from 'ssh2';
import { PacketType } from '../../src/remotes/sftp/codec/constants.ts';
import { PacketFramer } from '../../src/remotes/sftp/codec/packet-framer.ts';
import { HeldLane, Hold, type RequestMatch } from './held-requests.ts';
import { makeSsh2Key } from './ssh2-key.ts';
import type { TestServer } from './test-server.ts';

const CONNECT_MS = 20_000;

export interface SshRelay {
  readonly port: number;
  /** `TYPE BASE64` of its host key. */
  readonly hostKey: string;
  /** Keeps back what matches, after the first `toPass` of them, with all that the same channel sends later. */
  hold(matches: RequestMatch, toPass?: number): Hold;
  /** Connections of clients that are open. */
  readonly clients: number;
  /** Resolves when the server has answered every request that was passed on. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/** By the type of an SFTP request, and of an extended one by its name. */
export function requests(type: keyof typeof PacketType, extension?: string): RequestMatch {
  return (packet) => {
    if (packet[0] !== PacketType[type]) return false;
    return extension === undefined || extensionOf(packet) === extension;
  };
}

export function anyOf(...matches: readonly RequestMatch[]): RequestMatch {
  return (packet) => matches.some((one) => one(packet));
}

/** What the script reads that copies: the paths of two partial files. */
const SHELL_COPY = /([0-9a-f]{16})\.mtpart\n\S*\.(?!\1)[0-9a-f]{16}\.mtpart\n$/;

/** The question to a shell that copies a partial file. */
export function shellCopy(bytes: Buffer): boolean {
  return SHELL_COPY.test(bytes.toString('latin1'));
}

/** A rename that publishes: that of a trial, before anything is sent, leads to the name of another partial file. */
export function publishingRename(packet: Buffer): boolean {
  const isRename = anyOf(requests('rename'), requests('extended', 'posix-rename@openssh.com'))(packet);
  return isRename && !packet.toString('latin1').endsWith('.mtpart');
}

function extensionOf(packet: Buffer): string {
  return packet.toString('latin1', 9, 9 + packet.readUInt32BE(5));
}

export async function startSshRelay(server: TestServer): Promise<SshRelay> {
  const key = makeSsh2Key();
  const upstream = { host: server.host, port: server.port, username: server.user };
  const privateKey = await readFile(server.identityFile);
  const holds: Hold[] = [];
  const passed = new Set<Promise<void>>();
  const sockets = new Set<Socket>();
  const serverSides = new Set<ssh2.Client>();

  async function connect(): Promise<ssh2.Client> {
    const client = new ssh2.Client();
    serverSides.add(client);
    client.on('close', () => serverSides.delete(client));
    const ready = once(client, 'ready');
    client.connect({ ...upstream, privateKey, readyTimeout: CONNECT_MS });
    await ready;
    client.on('error', () => {});
    return client;
  }

  function accept(client: Connection): void {
    const lanes = new Set<HeldLane>();
    let connected: Promise<ssh2.Client> | undefined;
    client.on('error', () => {});
    client.on('authentication', (context) => context.accept());
    client.on('session', (acceptSession) => {
      connected ??= connect();
      serve(acceptSession(), connected, lanes, { holds, passed });
    });
    client.on('close', async () => {
      const serverSide = await connected?.catch(() => undefined);
      // What is held still goes its way.
      await Promise.all([...lanes].map((lane) => lane.free));
      serverSide?.end();
    });
  }

  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    new ssh2.Server({ hostKeys: [key.private] }, accept).injectSocket(socket);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    hostKey: key.public.split(' ').slice(0, 2).join(' '),
    hold: (matches, toPass = 0) => {
      const hold = new Hold(matches, toPass);
      holds.push(hold);
      return hold;
    },
    get clients() {
      return sockets.size;
    },
    settled: async () => void (await Promise.all(passed)),
    stop: async () => {
      for (const hold of holds) await hold.release();
      for (const socket of sockets) socket.destroy();
      for (const client of serverSides) client.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

/** What all connections of a relay share. */
interface Shared {
  readonly holds: readonly Hold[];
  /** Requests that were passed on and are not answered. */
  readonly passed: Set<Promise<void>>;
}

function serve(session: Session, connected: Promise<ssh2.Client>, lanes: Set<HeldLane>, shared: Shared): void {
  session.on('subsystem', async (acceptChannel, reject, { name }) => {
    try {
      const up = await opened((done) => connected.then((client) => client.subsys(name, done)));
      const lane = new HeldLane();
      lanes.add(lane);
      passPackets(acceptChannel(), up, lane, shared);
    } catch {
      reject();
    }
  });
  session.on('exec', async (acceptChannel, reject, { command }) => {
    try {
      const up = await opened((done) => connected.then((client) => client.exec(command, done)));
      const lane = new HeldLane();
      lanes.add(lane);
      passBytes(acceptChannel(), up, lane, shared.holds);
    } catch {
      reject();
    }
  });
}

type Opened = (error: Error | undefined, channel: ClientChannel) => void;

function opened(open: (done: Opened) => Promise<unknown>): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    open((error, channel) => (error === undefined ? resolve(channel) : reject(error))).catch(reject);
  });
}

/** Packet by packet towards the server. */
function passPackets(down: ServerChannel, up: ClientChannel, lane: HeldLane, { holds, passed }: Shared): void {
  const requestsIn = new PacketFramer();
  const answersIn = new PacketFramer();
  const unanswered = new Map<number, () => void>();
  const deliver = (packet: Buffer): Promise<void> => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(packet.length);
    up.write(Buffer.concat([length, packet]));
    if (packet[0] === PacketType.init) return Promise.resolve();
    const answered = new Promise<void>((resolve) => unanswered.set(packet.readUInt32BE(1), resolve));
    passed.add(answered);
    return answered.finally(() => passed.delete(answered));
  };
  down.on('data', (chunk: Buffer) => {
    requestsIn.push(chunk);
    for (let packet = requestsIn.next(); packet !== undefined; packet = requestsIn.next()) {
      const own = Buffer.from(packet);
      lane.send(own, { deliver: () => deliver(own) }, holds);
    }
  });
  up.on('data', (chunk: Buffer) => {
    down.write(chunk);
    answersIn.push(chunk);
    for (let packet = answersIn.next(); packet !== undefined; packet = answersIn.next()) {
      if (packet[0] === PacketType.version) continue;
      const id = packet.readUInt32BE(1);
      unanswered.get(id)?.();
      unanswered.delete(id);
    }
  });
  up.on('close', () => {
    for (const answered of unanswered.values()) answered();
  });
  join(down, up, lane);
}

/** Of a command: what it reads counts as one request a chunk. */
function passBytes(down: ServerChannel, up: ClientChannel, lane: HeldLane, holds: readonly Hold[]): void {
  const closed = new Promise<void>((resolve) => up.on('close', resolve));
  down.on('data', (chunk: Buffer) => {
    const own = Buffer.from(chunk);
    const deliver = async (): Promise<void> => void up.write(own);
    lane.send(own, { deliver }, holds);
  });
  down.on('end', () => {
    const deliver = async (): Promise<void> => {
      up.end();
      await closed;
    };
    lane.send(Buffer.alloc(1), { deliver }, holds);
  });
  up.on('data', (chunk: Buffer) => down.write(chunk));
  up.stderr.on('data', (chunk: Buffer) => down.stderr.write(chunk));
  up.on('exit', (code: number | null, signal?: string) => {
    if (code !== null) down.exit(code);
    else down.exit(signal ?? 'TERM', false, '');
  });
  join(down, up, lane);
}

function join(down: ServerChannel, up: ClientChannel, lane: HeldLane): void {
  for (const channel of [down, up]) channel.on('error', () => {});
  up.on('close', () => down.close());
  down.on('close', async () => {
    await lane.free;
    up.close();
  });
}
