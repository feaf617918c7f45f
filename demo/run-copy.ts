import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TransferEvent } from '../src/engine/events.ts';
import { atExit } from '../test/support/at-exit.ts';
import { repoRoot } from '../test/support/repo-root.ts';
import { DEMO_USER, demoFiles } from './demo-files.ts';

type EventOf<T extends TransferEvent['type']> = Extract<TransferEvent, { type: T }>;

export interface CopyCall {
  readonly program: 'mtput' | 'mtget';
  /** The demo's temporary directory. */
  readonly dir: string;
  readonly port: number;
  /** Path of the local file, which is read by `mtput` and written by `mtget`. */
  readonly local: string;
  /** File name on the server. */
  readonly remote: string;
  readonly connections: number;
  readonly onProgress?: (progress: EventOf<'progress'>) => void;
}

export interface CopyRun {
  /** Of the whole process, from its start to the final rename. */
  readonly seconds: number;
  /** While data flowed. */
  readonly bytesPerSecond: number;
  readonly connectionsUsed: number;
}

/** What a program needs of the environment; keys, agents and settings of the user are not among it. */
function environment(home: string): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TMPDIR } = process.env;
  return { PATH, SystemRoot, TMPDIR, HOME: home, USERPROFILE: home, XDG_STATE_HOME: home, LC_ALL: 'C.UTF-8' };
}

function copyArguments({ program, dir, port, local, remote, connections }: CopyCall): string[] {
  const files = demoFiles(dir);
  const options = [
    `UserKnownHostsFile=${files.knownHosts}`,
    'GlobalKnownHostsFile=none',
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
  ].flatMap((option) => ['-o', option]);
  const there = `${DEMO_USER}@127.0.0.1:${remote}`;
  return [
    ...['-n', `${connections}`, '-P', `${port}`, '-i', files.userKey, ...options, '-B', '--json'],
    // Should the demo be killed, the program must not go on looking for a server that is gone.
    ...['--retry-for', '5s', ...(program === 'mtput' ? [local, there] : [there, local])],
  ];
}

/** Runs the program that users have, as they would. */
export async function runCopy(call: CopyCall): Promise<CopyRun> {
  const begin = performance.now();
  const child = spawn(process.execPath, [join(repoRoot, `dist/cli/${call.program}.js`), ...copyArguments(call)], {
    env: environment(demoFiles(call.dir).home),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.once(
    'exit',
    atExit(() => child.kill('SIGKILL')),
  );
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said += text;
  });
  let result: EventOf<'result'> | undefined;
  let first: EventOf<'progress'> | undefined;
  let copiedAtMs: number | undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as TransferEvent;
    if (event.type === 'progress') {
      if (event.bytesDone > 0) first ??= event;
      call.onProgress?.(event);
    } else if (event.type === 'file' && event.state === 'committing') copiedAtMs = event.atMs;
    else if (event.type === 'result') result = event;
  });
  let seconds = 0;
  child.once('exit', () => {
    seconds = (performance.now() - begin) / 1000;
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('close', resolve).once('error', reject),
  );
  if (code !== 0 || result === undefined) throw new Error(`${call.program} ended with ${code}: ${said.trim()}`);
  if (first === undefined || copiedAtMs === undefined) throw new Error(`${call.program} did not say how far it was`);
  const bytesPerSecond = ((first.bytesTotal - first.bytesDone) * 1000) / (copiedAtMs - first.atMs);
  return { seconds, bytesPerSecond, connectionsUsed: result.connectionsUsed };
}
