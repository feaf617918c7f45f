/** The TCP connection under an SSH connection. */
import { connect, type Socket } from 'node:net';
import type { SshSettings } from './ssh-settings.ts';

/** A connected socket; rejects with what the system says, the socket destroyed, when it fails or `signal` aborts. */
export function dial(settings: SshSettings, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { host, port, addressFamily } = settings;
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      ...(addressFamily ? { family: addressFamily } : {}),
    });
    const settle = (): void => {
      signal.removeEventListener('abort', aborted);
      socket.removeListener('connect', connected);
      socket.removeListener('error', failed);
    };
    const connected = (): void => {
      settle();
      resolve(socket);
    };
    const failed = (error: Error): void => {
      settle();
      // A late error of a destroyed socket must not end the process.
      socket.on('error', () => {});
      socket.destroy();
      reject(error);
    };
    const aborted = (): void => failed(new Error('aborted'));
    socket.once('connect', connected);
    socket.once('error', failed);
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) aborted();
  });
}
