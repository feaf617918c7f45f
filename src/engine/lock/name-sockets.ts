/** Local sockets as names: only whether a process listens on a socket matters. No data is sent over it. */
import { connect, createServer } from 'node:net';
import { systemErrorCode } from '../../util/system-error.ts';
import type { HeldName } from './lock-names.ts';

/**
 * How long to wait for the answer of a socket. The system accepts a local connection for a live process much sooner.
 */
const PATIENCE_MS = 500;

/** Errors that are about this process or the path, and show nothing about a holder. */
const OWN_TROUBLE = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ENOTSOCK', 'EINVAL', 'ENAMETOOLONG']);

/**
 * Opens a socket that listens at `address` (a path, a pipe, or NUL and an abstract name) and does not keep the process
 * alive. Undefined: the address is in use.
 */
export async function listenAt(address: string): Promise<HeldName | undefined> {
  // Every connection is closed at once, so that nobody can exhaust the descriptors of this process.
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => {});
    socket.destroy();
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // Otherwise, in a worker of node:cluster, the primary process would hold the name, for all of its workers.
      server.listen({ path: address, exclusive: true }, resolve);
    });
  } catch (error) {
    if (systemErrorCode(error) === 'EADDRINUSE') return undefined;
    throw error;
  }
  server.on('error', () => {});
  server.unref();
  return { free: () => new Promise((resolve) => server.close(() => resolve())) };
}

export type Answer =
  /** A process listens, or it cannot be known whether one does. */
  | 'answers'
  /** A socket file without a listener. */
  | 'refuses'
  | 'missing';

/**
 * Tries to connect to a socket, which shows whether a process listens there.
 * @throws the error of the system, one of {@link OWN_TROUBLE}
 */
export function probeSocket(address: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: address });
    const end = (answer: Answer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    // If this process was delayed, the timer may fire before an answer that has already arrived is read.
    const timer = setTimeout(() => setImmediate(() => end('answers')), PATIENCE_MS);
    socket.once('connect', () => end('answers'));
    socket.on('error', (error) => {
      const code = systemErrorCode(error) ?? '';
      if (code === 'ECONNREFUSED') return end('refuses');
      if (code === 'ENOENT') return end('missing');
      // For example EAGAIN, a full queue: a process that is stopped, or does not accept, still holds its name.
      if (!OWN_TROUBLE.has(code)) return end('answers');
      clearTimeout(timer);
      reject(error);
    });
  });
}
