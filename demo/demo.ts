// npm start: the same file up and down, over one connection and over ten, through a line that is slow for each of them.
import { join } from 'node:path';
import { formatRate, formatSize } from '../src/util/format-size.ts';
import { startProxy } from '../test/support/proxy.ts';
import { sha256Of, writeRandomFile } from '../test/support/random-file.ts';
import { makeTempDir } from '../test/support/temp-dir.ts';
import { demoFiles } from './demo-files.ts';
import { startDemoServer } from './demo-server.ts';
import { type CopyRun, runCopy } from './run-copy.ts';
import { bar, Screen } from './screen.ts';

const MIB = 1024 * 1024;
/** Of each connection; 20 ms each way. */
const LINE = { bytesPerSecond: 2 * MIB, delayMs: 20 };
const MANY = 10;
/** A piece of 4 MiB for each of the many connections. One connection takes twenty seconds for it. */
const BYTES = Number(process.env['MT_DEMO_MIB'] ?? 40) * MIB;

const screen = new Screen(process.stdout);

interface Scene {
  readonly dir: string;
  readonly port: number;
  readonly source: string;
  readonly sha256: string;
}

type Direction = 'up' | 'down';

interface Outcome extends CopyRun {
  readonly direction: Direction;
  readonly connections: number;
  readonly sha256: string;
}

function name(direction: Direction, connections: number): string {
  return `${direction.padStart(5)} over ${connections} connection${connections === 1 ? ' ' : 's'}`.padEnd(26);
}

async function copy(direction: Direction, connections: number, { dir, port, source }: Scene): Promise<Outcome> {
  const label = name(direction, connections);
  const [remote, arrived] = [`over-${connections}.bin`, join(dir, `back-over-${connections}.bin`)];
  screen.draw(`${label}  connecting`);
  const run = await runCopy({
    ...(direction === 'up' ? { program: 'mtput', local: source } : { program: 'mtget', local: arrived }),
    ...{ dir, port, remote, connections },
    onProgress: ({ bytesDone, bytesTotal, bytesPerSecond, connections: open }) => {
      const part = bytesTotal === 0 ? 1 : bytesDone / bytesTotal;
      const percent = `${Math.floor(part * 100)}%`.padStart(4);
      screen.draw(`${label}  ${bar(part, 24)} ${percent}  ${formatRate(bytesPerSecond)}  ${open} open`);
    },
  });
  if (run.connectionsUsed < connections) throw new Error(`Only ${run.connectionsUsed} connections were opened`);
  const rate = formatRate(run.bytesPerSecond).padStart(9);
  screen.line(`${label} ${rate}   done after ${run.seconds.toFixed(1).padStart(4)} s`);
  const there = direction === 'up' ? join(demoFiles(dir).served, remote) : arrived;
  return { ...run, direction, connections, sha256: await sha256Of(there) };
}

function tellGain(direction: Direction, [one, many]: readonly [Outcome, Outcome]): void {
  const gain = (many.bytesPerSecond / one.bytesPerSecond).toFixed(1);
  const whole = (one.seconds / many.seconds).toFixed(1);
  screen.line(
    `Gain ${direction}: ${gain} times the rate; ${whole} times as fast with starting, connecting and renaming.`,
  );
}

/** Returns whether what arrived is what was sent. */
function compare({ sha256 }: Scene, outcomes: readonly Outcome[]): boolean {
  screen.line();
  screen.line(`sha256 of the file           ${sha256}`);
  for (const outcome of outcomes) {
    const verdict = outcome.sha256 === sha256 ? 'equal' : 'DIFFERENT';
    screen.line(`  ${name(outcome.direction, outcome.connections)}   ${outcome.sha256}  ${verdict}`);
  }
  screen.line();
  const isEqual = outcomes.every((outcome) => outcome.sha256 === sha256);
  if (!isEqual) screen.line('What arrived is not what was sent: this is a bug.');
  else screen.line('Now with a server of yours:  npm start -- FILE USER@HOST:PATH');
  return isEqual;
}

async function demo(): Promise<boolean> {
  const dir = await makeTempDir('demo');
  try {
    screen.line(
      `mtput and mtget copy ${formatSize(BYTES)} to a server of their own on this machine and back. Each connection gets`,
    );
    screen.line(
      `${formatRate(LINE.bytesPerSecond)}, a round trip takes ${2 * LINE.delayMs} ms. This takes about 50 seconds.`,
    );
    screen.line();
    const source = dir.file('file.bin');
    const [server] = await Promise.all([startDemoServer(dir.path), writeRandomFile(source, BYTES)]);
    const proxy = await startProxy({ ...LINE, target: { host: '127.0.0.1', port: server.port } });
    await server.trustPort(proxy.port);
    const scene = { dir: dir.path, port: proxy.port, source, sha256: await sha256Of(source) };
    const up = [await copy('up', 1, scene), await copy('up', MANY, scene)] as const;
    const down = [await copy('down', 1, scene), await copy('down', MANY, scene)] as const;
    await Promise.all([proxy.stop(), server.stop()]);
    screen.line();
    tellGain('up', up);
    tellGain('down', down);
    return compare(scene, [...up, ...down]);
  } finally {
    await dir.remove();
  }
}

// Ctrl-C, or a failure: what was started is killed and the directory removed when this process exits.
process.on('exit', () => screen.clear());
try {
  process.exit((await demo()) ? 0 : 1);
} catch (error) {
  screen.clear();
  process.stderr.write(`The demo failed: ${(error as Error).message}\n`);
  process.exit(1);
}
