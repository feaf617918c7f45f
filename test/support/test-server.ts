import { appendFile, readFile } from 'node:fs/promises';
import type { RunningProcess } from './process.ts';
import { descendantsOf, killDescendants } from './process-tree.ts';
import type { TempDir } from './temp-dir.ts';

/** A real SFTP server of our own on 127.0.0.1, in its own temporary directory. */
export interface TestServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Where relative paths land. */
  readonly home: string;
  /** The private key that lets `user` in. */
  readonly identityFile: string;
  /** Holds the server's keys for its port. */
  readonly knownHostsFile: string;
  /** `TYPE BASE64` of each host key. */
  readonly hostKeys: readonly string[];
  /** The server's process. */
  readonly pid: number;
  /** Everything this server keeps; gone after `stop`. */
  readonly dir: string;
  /** All the server has logged so far. */
  log(): Promise<string>;
  /** Adds the server's keys to knownHostsFile for another port, as that of a proxy in front of it. */
  trustPort(port: number): Promise<void>;
  /** Processes of sessions that live now. */
  sessionPids(): number[];
  /** Kills the sessions at once, the server lives on; returns how many processes there were. */
  killSessions(): Promise<number>;
  /** Ends the server and its sessions, and removes its directory. */
  stop(): Promise<void>;
}

export interface ServerParts {
  dir: TempDir;
  port: number;
  user: string;
  hostKeys: readonly string[];
  logFiles: readonly string[];
  server: RunningProcess;
}

export async function readIfThere(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}

/**
 * What all servers share, once theirs is running. Expects `home`, `user_key` and writes `known_hosts` in the directory.
 */
export async function assembleServer(parts: ServerParts): Promise<TestServer> {
  const { dir, port, user, hostKeys, logFiles, server } = parts;
  const host = '127.0.0.1';
  const knownHostsFile = dir.file('known_hosts');

  async function trustPort(portToTrust: number): Promise<void> {
    await appendFile(knownHostsFile, hostKeys.map((key) => `[${host}]:${portToTrust} ${key}\n`).join(''));
  }

  await trustPort(port);
  return {
    host,
    port,
    user,
    home: dir.file('home'),
    identityFile: dir.file('user_key'),
    knownHostsFile,
    hostKeys,
    pid: server.pid,
    dir: dir.path,
    log: async () => (await Promise.all(logFiles.map(readIfThere))).join(''),
    trustPort,
    sessionPids: () => descendantsOf(server.pid).map((info) => info.pid),
    killSessions: () => killDescendants(server.pid),
    stop: async () => {
      await server.stopTree();
      await dir.remove();
    },
  };
}

/** Tries again on another port when someone else took the one that was free a moment ago. */
export async function withFreePort<T>(
  freePort: () => Promise<number>,
  start: (port: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (attempt >= 3 || !/in use/i.test(String(error))) throw error;
    }
  }
}
