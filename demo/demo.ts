// npm start: the same file over one connection and over ten, through a line that is slow for each of them.
import { join } from 'node:path';
import { formatRate, formatSize } from '../src/util/format-size.ts';
import { startProxy } from '../test/support/proxy.ts';
import { sha256Of, writeRandomFile } from '../test/support/random-file.ts';
import { makeTempDir } from '../test/support/temp-dir.ts';
import { demoFiles } from './demo-files.ts';
import { startDemoServer } from './demo-server.ts';
import { type MtputRun, runMtput } from './run-mtput.ts';
import { bar, Screen } from './screen.ts';

const MIB = 1024 * 1024;
/** Of each connection; 20 ms each way. */
const LINE = { bytesPerSecond: 2 * MIB, delayMs: 20 };
const MANY = 10;
/** So much that connecting weighs little against sending, and so little that one connection is done within a minute. */
const BYTES = Number(process.env['MT_DEMO_MIB'] ?? 80) * MIB;

const screen = new Screen(process.stdout);

interface Scene {
  readonly dir: string;
  readonly port: number;
  readonly source: string;
  readonly sha256: string;
}

interface Outcome extends MtputRun {
  readonly sha256: string;
}

function name(connections: number): string {
  return `${connections} connection${connections === 1 ? '' : 's'}`.padStart(14);
}

async function upload(connections: number, { dir, port, source }: Scene): Promise<Outcome> {
  const target = `over-${connections}.bin`;
  screen.draw(`${name(connections)}  connecting`);
  const run = await runMtput({
    ...{ dir, port, source, target, connections },
    onProgress: ({ bytesDone, bytesTotal, bytesPerSecond, connections: open }) => {
      const part = bytesTotal === 0 ? 1 : bytesDone / bytesTotal;
      const percent = `${Math.floor(part * 100)}%`.padStart(4);
      screen.draw(`${name(connections)}  ${bar(part, 24)} ${percent}  ${formatRate(bytesPerSecond)}  ${open} open`);
    },
  });
  if (run.connectionsUsed < connections) throw new Error(`Only ${run.connectionsUsed} connections came about`);
  const rate = formatRate(run.bytesPerSecond).padStart(10);
  screen.line(`${name(connections)} ${rate}   done after ${run.seconds.toFixed(1).padStart(4)} s`);
  return { ...run, sha256: await sha256Of(join(demoFiles(dir).served, target)) };
}

function tell(scene: Scene, outcomes: readonly Outcome[]): boolean {
  const [one, many] = outcomes as [Outcome, Outcome];
  screen.line();
  const gain = (many.bytesPerSecond / one.bytesPerSecond).toFixed(1);
  screen.line(`Gain: ${gain} times the rate. From the command to the prompt, with starting, connecting and the`);
  screen.line(
    `final rename, ${(one.seconds / many.seconds).toFixed(1)} times as fast: the larger the file, the closer to ${gain}.`,
  );
  screen.line();
  screen.line(`sha256 of the file       ${scene.sha256}`);
  let equal = true;
  for (const [connections, { sha256 }] of [
    [1, one],
    [MANY, many],
  ] as const) {
    const same = sha256 === scene.sha256;
    equal &&= same;
    screen.line(`  arrived over ${`${connections}`.padEnd(2)}        ${sha256}  ${same ? 'equal' : 'DIFFERENT'}`);
  }
  screen.line();
  if (!equal) screen.line('What arrived is not what was sent: this is a bug.');
  else screen.line('Now with a server of yours:  npm start -- FILE USER@HOST:PATH');
  return equal;
}

async function demo(): Promise<boolean> {
  const dir = await makeTempDir('demo');
  try {
    screen.line(`mtput sends ${formatSize(BYTES)} to a server of its own on this machine. Each connection gets`);
    screen.line(
      `${formatRate(LINE.bytesPerSecond)}, a round trip takes ${2 * LINE.delayMs} ms. This takes about 50 seconds.`,
    );
    screen.line();
    const source = dir.file('file.bin');
    const [server] = await Promise.all([startDemoServer(dir.path), writeRandomFile(source, BYTES)]);
    const proxy = await startProxy({ ...LINE, target: { host: '127.0.0.1', port: server.port } });
    await server.trustPort(proxy.port);
    const scene = { dir: dir.path, port: proxy.port, source, sha256: await sha256Of(source) };
    const outcomes = [await upload(1, scene), await upload(MANY, scene)];
    await Promise.all([proxy.stop(), server.stop()]);
    return tell(scene, outcomes);
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
