import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { atExit } from '../test/support/at-exit.ts';
import { repoRoot } from '../test/support/repo-root.ts';
import { makeSsh2Key } from '../test/support/ssh2-key.ts';
import { demoFiles } from './demo-files.ts';
import type { ServerStarted } from './sftp-server-main.ts';

const PROGRAM = 'build/demo/sftp-server-main.js';

export interface DemoServer {
  readonly port: number;
  readonly pid: number;
  /** Makes the server's key known for a port: that of the proxy in front of it. */
  trustPort(port: number): Promise<void>;
  stop(): Promise<void>;
}

/** Keys of its own, made for this run: nothing of the user's is read or written. */
async function makeKeys(dir: string): Promise<{ hostKey: string }> {
  const files = demoFiles(dir);
  const [host, user] = [makeSsh2Key(), makeSsh2Key()];
  await Promise.all([
    writeFile(files.hostKey, host.private, { mode: 0o600 }),
    writeFile(files.userKey, user.private, { mode: 0o600 }),
    writeFile(files.userPublicKey, user.public),
  ]);
  return { hostKey: host.public.split(' ').slice(0, 2).join(' ') };
}

/** Starts the embedded server in `dir`, on a free port of 127.0.0.1. */
export async function startDemoServer(dir: string): Promise<DemoServer> {
  const files = demoFiles(dir);
  await Promise.all([mkdir(files.served), mkdir(files.home)]);
  const { hostKey } = await makeKeys(dir);
  const child = fork(join(repoRoot, PROGRAM), [dir], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.once(
    'exit',
    atExit(() => child.kill('SIGKILL')),
  );
  async function stop(): Promise<void> {
    child.kill('SIGKILL');
    await exited;
  }
  const ended = exited.then(() => {
    throw new Error('The server of the demo did not start');
  });
  ended.catch(() => {});
  const [{ port }] = (await Promise.race([once(child, 'message'), ended])) as [ServerStarted];
  return {
    port,
    pid: child.pid as number,
    trustPort: (trusted) => writeFile(files.knownHosts, `[127.0.0.1]:${trusted} ${hostKey}\n`, { flag: 'a' }),
    stop,
  };
}
