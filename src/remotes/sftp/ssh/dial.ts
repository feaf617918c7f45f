/** Opens what an SSH connection runs on: a TCP connection, or a proxy command. */
import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { dialThroughCommand } from './proxy-command.ts';
import { SocketReader } from './socket-reader.ts';
import type { SshSettings } from './ssh-settings.ts';

/** The time after which the next address is tried beside the last one (RFC 8305, "Connection Attempt Delay"). */
const NEXT_ADDRESS_MS = 250;

/** What a connection runs on. */
export interface Dialled {
  readonly stream: Duplex;
  /** Reads the stream, if it is a socket and that was wanted. */
  readonly reader?: SocketReader | undefined;
}

type Address = { readonly address: string; readonly family: number };

/**
 * Resolves with a connected socket, or with the stream of the proxy command. On failure, and when `signal` is aborted,
 * nothing is left open and this rejects.
 * @param isFast whether sockets are read by a {@link SocketReader}
 */
export async function dial(settings: SshSettings, signal: AbortSignal, isFast: boolean): Promise<Dialled> {
  const { proxyCommand, host } = settings;
  if (proxyCommand !== undefined) return { stream: await dialThroughCommand(proxyCommand, signal) };
  const addresses = await addressesOf(settings);
  if (signal.aborted) throw new Error('aborted');
  return new Promise((resolve, reject) => {
    const attempts = new Set<Socket>();
    const errors: Error[] = [];
    let next: NodeJS.Timeout | undefined;
    const settle = (winner: Socket | undefined): void => {
      clearTimeout(next);
      signal.removeEventListener('abort', onAbort);
      for (const socket of attempts) {
        socket.removeAllListeners('connect').removeAllListeners('error');
        if (socket === winner) continue;
        // A late error of a destroyed socket must not end the process.
        socket.on('error', () => {});
        socket.destroy();
      }
    };
    const fail = (error: Error): void => {
      settle(undefined);
      reject(error);
    };
    const onAbort = (): void => fail(new Error('aborted'));
    const dialNext = (): void => {
      clearTimeout(next);
      const address = addresses.shift();
      if (address === undefined) {
        // What the first one said is about the address that is preferred.
        if (attempts.size === 0) fail(errors[0] ?? new Error(`${host} has no address`));
        return;
      }
      const reader = isFast ? new SocketReader() : undefined;
      const socket = connectTo(address, settings, reader);
      attempts.add(socket);
      socket.once('connect', () => {
        settle(socket);
        resolve({ stream: socket, reader });
      });
      socket.once('error', (error) => {
        attempts.delete(socket);
        socket.on('error', () => {});
        socket.destroy();
        errors.push(error);
        dialNext();
      });
      if (addresses.length > 0) next = setTimeout(dialNext, NEXT_ADDRESS_MS);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    dialNext();
  });
}

/** In the order in which they are tried: that of the system, but with the families in turn (RFC 8305, section 4). */
async function addressesOf({ host, addressFamily }: SshSettings): Promise<Address[]> {
  if (isIP(host) !== 0) return [{ address: host, family: isIP(host) }];
  const found = await lookup(host, { all: true, family: addressFamily, order: 'verbatim' });
  const preferred = found.filter(({ family }) => family === found[0]?.family);
  const others = found.filter(({ family }) => family !== found[0]?.family);
  const length = Math.max(preferred.length, others.length);
  const inTurn = Array.from({ length }, (_, index) => [preferred[index], others[index]]).flat();
  return inTurn.filter((address) => address !== undefined);
}

function connectTo({ address, family }: Address, settings: SshSettings, reader: SocketReader | undefined): Socket {
  const { port, bindAddress } = settings;
  const socket = connect({
    ...{ host: address, port, family, noDelay: true, keepAlive: true },
    ...(bindAddress === undefined ? {} : { localAddress: bindAddress }),
    ...(reader && { onread: reader.options }),
  });
  reader?.attach(socket);
  return socket;
}
