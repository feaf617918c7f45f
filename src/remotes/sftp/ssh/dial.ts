/** Opens what an SSH connection runs on: a TCP connection, or a proxy command. */
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { dialThroughCommand } from './proxy-command.ts';
import type { SocketReader } from './socket-reader.ts';
import type { SshSettings } from './ssh-settings.ts';

/**
 * Resolves with a connected socket, which `reader` reads if there is one, or with the stream of the proxy command. On
 * failure, and when `signal` is aborted, it is destroyed and this rejects.
 */
export function dial(settings: SshSettings, signal: AbortSignal, reader?: SocketReader): Promise<Duplex> {
  const { proxyCommand } = settings;
  return proxyCommand === undefined ? dialTcp(settings, signal, reader) : dialThroughCommand(proxyCommand, signal);
}

function dialTcp(settings: SshSettings, signal: AbortSignal, reader?: SocketReader): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { host, port, addressFamily, bindAddress } = settings;
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      ...(addressFamily ? { family: addressFamily } : {}),
      ...(bindAddress === undefined ? {} : { localAddress: bindAddress }),
      ...(reader && { onread: reader.options }),
    });
    reader?.attach(socket);
    const settle = (): void => {
      signal.removeEventListener('abort', onAbort);
      socket.removeListener('connect', onConnect);
      socket.removeListener('error', onError);
    };
    const onConnect = (): void => {
      settle();
      resolve(socket);
    };
    const onError = (error: Error): void => {
      settle();
      // A late error of a destroyed socket must not end the process.
      socket.on('error', () => {});
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => onError(new Error('aborted'));
    socket.once('connect', onConnect);
    socket.once('error', onError);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
