/** An SSH server that lets everybody in, and whose sftp subsystem is a stand-in: for what a real server will not do. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import ssh2 from 'ssh2';
import { onTestFinished } from 'vitest';
import { tempDirForTest } from './for-one-test.ts';
import { cleanEnvironment, mtgetPath, mtputPath, sshArguments } from './mtput.ts';
import { type RunResult, startProcess } from './process.ts';
import { makeSsh2Key } from './ssh2-key.ts';
import type { StandInSftpServer } from './stand-in-sftp-server.ts';
import { readIfThere } from './test-server.ts';
import { waitFor } from './wait-for.ts';

/** How a run ended, and the most memory that its process had, in MB; 0 where the system does not tell. */
export interface MeasuredRun extends RunResult {
  readonly peakMB: number;
}

export interface StandInSshServer {
  /** Runs mtget to its end, or fails after so many milliseconds. */
  get(path: string, target: string, more: readonly string[], timeoutMs: number): Promise<MeasuredRun>;
  put(source: string, path: string, more: readonly string[], timeoutMs: number): Promise<MeasuredRun>;
}

/** Ends with the test. */
export async function standInSshServer(sftp: StandInSftpServer): Promise<StandInSshServer> {
  const dir = await tempDirForTest();
  const [hostKey, userKey] = [makeSsh2Key(), makeSsh2Key()];
  const sockets = new Set<Socket>();
  const accept = (client: ssh2.Connection): void => {
    client.on('error', () => {});
    client.on('authentication', (context) => context.accept());
    client.on('session', (acceptSession) => {
      const session = acceptSession();
      session.on('subsystem', (acceptChannel) => {
        const [down, up] = [acceptChannel(), sftp.channel()];
        for (const one of [down, up]) one.on('error', () => {});
        down.pipe(up).pipe(down);
        down.on('close', () => up.destroy());
      });
      session.on('exec', (_accept, reject) => reject());
    });
  };
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    new ssh2.Server({ hostKeys: [hostKey.private] }, accept).injectSocket(socket);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => listener.close(resolve));
  });
  const { port } = listener.address() as AddressInfo;
  const files = { port, identityFile: dir.file('user_key'), knownHostsFile: dir.file('known_hosts') };
  await writeFile(files.identityFile, userKey.private, { mode: 0o600 });
  await writeFile(files.knownHostsFile, `[127.0.0.1]:${port} ${hostKey.public}\n`);
  const address = (path: string) => `mt@127.0.0.1:${path}`;
  const start = (program: string, more: readonly string[], paths: readonly string[], timeoutMs: number) =>
    runMeasured([program, ...sshArguments(files), ...more, '--', ...paths], cleanEnvironment(dir.path), timeoutMs);
  return {
    get: (path, target, more, timeoutMs) => start(mtgetPath, more, [address(path), target], timeoutMs),
    put: (source, path, more, timeoutMs) => start(mtputPath, more, [source, address(path)], timeoutMs),
  };
}

async function runMeasured(args: readonly string[], env: NodeJS.ProcessEnv, timeoutMs: number): Promise<MeasuredRun> {
  const running = await startProcess(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(async () => void (await running.stop('SIGKILL')));
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    running.child[name]!.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  let hasEnded = false;
  running.child.once('close', () => {
    hasEnded = true;
  });
  let peakMB = 0;
  const measuredUntilItsEnd = async (): Promise<boolean> => {
    const status = await readIfThere(`/proc/${running.pid}/status`).catch(() => '');
    peakMB = Math.max(peakMB, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
    return hasEnded;
  };
  await waitFor(measuredUntilItsEnd, { what: `the end of ${args.slice(-2).join(' ')}`, timeoutMs });
  return { ...(await running.exited), ...output, peakMB };
}
