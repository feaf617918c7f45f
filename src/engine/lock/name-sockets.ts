/** A local socket as a flag: what counts is that it is there. Nothing is ever said over it. */
import { connect, createServer } from 'node:net';
import { systemErrorCode } from '../../util/system-error.ts';
import type { HeldName } from './lock-names.ts';

/** Nobody who lives leaves a local connection open that long without the system having taken it for him. */
const patienceMs = 500;

/** These say something of this process or of the path, nothing of a holder. */
const ownTrouble = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ENOTSOCK', 'EINVAL', 'ENAMETOOLONG']);

/**
 * A socket that listens at `address` (a path, a pipe, or NUL and an abstract name), and does not keep the process
 * alive. undefined: something is there already.
 */
export async function listenAt(address: string): Promise<HeldName | undefined> {
  // Whoever comes is sent away unread, so that nobody can fill us with connections.
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => {});
    socket.destroy();
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // In a worker of node:cluster the primary would hold the name otherwise, and for all its workers.
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
  /** Somebody listens; or it cannot be told, and then somebody does. */
  | 'answers'
  /** A socket file without a listener. */
  | 'refuses'
  | 'missing';

/** @throws system error of {@link ownTrouble}. */
export function knockAt(address: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: address });
    const end = (answer: Answer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end('answers'), patienceMs);
    socket.once('connect', () => end('answers'));
    socket.on('error', (error) => {
      const code = systemErrorCode(error) ?? '';
      if (code === 'ECONNREFUSED') return end('refuses');
      if (code === 'ENOENT') return end('missing');
      // Such as EAGAIN, a full queue: what is stopped, or does not accept, still holds its name.
      if (!ownTrouble.has(code)) return end('answers');
      clearTimeout(timer);
      reject(error);
    });
  });
}
