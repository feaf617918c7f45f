// npm run bench -- shaped: a line that is slow for each connection, and lets one open as many as one likes.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureRaw } from '../test/support/measure-raw.ts';
import { type RunningProxy, startProxy } from '../test/support/proxy.ts';
import { sha256Of, writeRandomFile } from '../test/support/random-file.ts';
import { startSshd } from '../test/support/sshd.ts';
import { withTempDir } from '../test/support/temp-dir.ts';
import type { TestServer } from '../test/support/test-server.ts';
import { benchEnvironment } from './support/environment.ts';
import { measureProcess } from './support/harness.ts';
import { watchLine } from './support/line-watch.ts';
import { type Phases, phasesLine, phasesOf } from './support/phases.ts';
import { limitSeconds, median, rounded } from './support/ratio.ts';
import { writeResults } from './support/results.ts';
import { type ToolFigures, timesTable } from './support/table.ts';
import { type Tool, tools } from './support/tools.ts';

const BYTES = 400_000_000;
const CONNECTIONS = 10;
/** Of each connection and direction; 20 ms each way. */
const LINE = { bytesPerSecond: 2_000_000, delayMs: 20 };
const RAW_LEAST = 0.98;
const LIMIT_SECONDS = limitSeconds(BYTES, CONNECTIONS, LINE.bytesPerSecond);

interface Run {
  readonly tool: string;
  readonly seconds: number;
  readonly ratio: number;
  readonly cpuSeconds?: number;
  readonly maxRssMiB?: number;
  readonly phases?: Phases;
}

interface Scene {
  readonly server: TestServer;
  readonly proxy: RunningProxy;
  readonly source: string;
  readonly sha256: string;
  readonly workDir: string;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function runOnce(tool: Tool, { server, proxy, source, sha256, workDir }: Scene): Promise<Run> {
  const target = `${tool.name}.bin`;
  const arrived = join(server.home, target);
  const call = await tool.upload({ source, target, server, port: proxy.port, connections: CONNECTIONS, workDir });
  const line = await watchLine(proxy);
  const { code, signal, stderr, stdout: _, seconds, ...used } = await measureProcess(call);
  const samples = await line.stop();
  if (code !== 0) throw new Error(`${tool.name} ended with ${signal ?? code}: ${stderr}`);
  if ((await sha256Of(arrived)) !== sha256) throw new Error(`What ${tool.name} sent did not arrive as it was`);
  await rm(arrived);
  const phases = phasesOf(samples, { bytes: BYTES, bytesPerSecond: LINE.bytesPerSecond, end: seconds });
  return { tool: tool.name, seconds, ratio: seconds / LIMIT_SECONDS, ...used, ...(phases && { phases }) };
}

async function runAll(chosen: readonly Tool[], runsOf: (tool: Tool) => number): Promise<Run[]> {
  return withTempDir(async (dir) => {
    const source = dir.file('source.bin');
    await writeRandomFile(source, BYTES);
    const sha256 = await sha256Of(source);
    const server = await startSshd({ logLevel: 'INFO' });
    try {
      const proxy = await startProxy({ ...LINE, target: { host: server.host, port: server.port } });
      try {
        await server.trustPort(proxy.port);
        const runs: Run[] = [];
        for (const tool of chosen) {
          for (let n = 1; n <= runsOf(tool); n++) {
            const run = await runOnce(tool, { server, proxy, source, sha256, workDir: dir.path });
            say(`${tool.name}: ${run.seconds.toFixed(2)} s, time ÷ limit ${run.ratio.toFixed(3)}`);
            if (run.phases) say(`  ${phasesLine(run.phases)}`);
            runs.push(run);
          }
        }
        return runs;
      } finally {
        await proxy.stop();
      }
    } finally {
      await server.stop();
    }
  }, 'bench');
}

function medians(tool: Tool, runs: readonly Run[]): ToolFigures {
  const own = runs.filter((run) => run.tool === tool.name);
  const seconds = median(own.map((run) => run.seconds));
  const known = (values: readonly (number | undefined)[]): number | undefined => {
    const numbers = values.filter((value) => value !== undefined);
    return numbers.length === 0 ? undefined : median(numbers);
  };
  return {
    label: tool.label(CONNECTIONS),
    runs: own.length,
    seconds,
    ratio: seconds / LIMIT_SECONDS,
    bytesPerSecond: BYTES / seconds,
    cpuSeconds: known(own.map((run) => run.cpuSeconds)),
    maxRssMiB: known(own.map((run) => run.maxRssMiB)),
  };
}

function options(): { chosen: readonly Tool[]; runsOf: (tool: Tool) => number } {
  const { values } = parseArgs({ options: { only: { type: 'string' }, runs: { type: 'string' } } });
  const names = values.only?.split(',') ?? tools.map(({ name }) => name);
  const unknown = names.filter((name) => !tools.some((tool) => tool.name === name));
  if (unknown.length > 0) throw new Error(`No such tool: ${unknown.join(', ')}`);
  const runs = values.runs === undefined ? undefined : Number(values.runs);
  if (runs !== undefined && !(Number.isSafeInteger(runs) && runs > 0)) throw new Error('--runs takes a number from 1');
  return {
    chosen: tools.filter(({ name }) => names.includes(name)),
    // The others take ten times as long, and vary less.
    runsOf: (tool) => runs ?? (tool.name === 'mtput' ? 3 : 1),
  };
}

async function main(): Promise<void> {
  const { chosen, runsOf } = options();
  say(`${BYTES / 1e6} MB over ${CONNECTIONS} connections of ${LINE.bytesPerSecond / 1e6} MB/s each, 40 ms round trip.`);
  say(`The limit is ${LIMIT_SECONDS} s. First plain sockets, then ${chosen.map(({ name }) => name).join(', ')} ...`);
  const raw = await measureRaw({ proxy: LINE, connections: CONNECTIONS, bytes: BYTES });
  if (raw.ratio < RAW_LEAST)
    say(`warning: plain sockets reach ${raw.ratio.toFixed(3)} of the line: too busy a machine`);
  const runs = await runAll(chosen, runsOf);

  const { bytesPerSecond } = raw;
  const sockets = { label: 'plain sockets', runs: 1, seconds: raw.seconds, ratio: 1 / raw.ratio, bytesPerSecond };
  const figures = chosen.map((tool) => medians(tool, runs));
  process.stdout.write(`\n${timesTable([sockets, ...figures])}\n`);
  process.stdout.write(`plain sockets reached ${raw.ratio.toFixed(3)} of the line (at least ${RAW_LEAST} is wanted)\n`);
  if (chosen.length < tools.length) return say('Some tools were left out: no results are written.');
  const path = await writeResults('shaped', {
    scene: 'shaped',
    ...(await benchEnvironment()),
    bytes: BYTES,
    connections: CONNECTIONS,
    bytesPerSecondPerConnection: LINE.bytesPerSecond,
    roundTripMs: 2 * LINE.delayMs,
    limitSeconds: LIMIT_SECONDS,
    plainSockets: { seconds: rounded(raw.seconds), ofNominal: rounded(raw.ratio) },
    median: Object.fromEntries(
      chosen.map(({ name }, n) => [name, { seconds: rounded(figures[n]!.seconds), ratio: rounded(figures[n]!.ratio) }]),
    ),
    runs: JSON.parse(JSON.stringify(runs, (_, value) => (typeof value === 'number' ? rounded(value) : value))),
  });
  say(`Written: ${path}`);
}

await main().catch((error: Error) => {
  say(`The bench failed: ${error.message}`);
  process.exitCode = 1;
});
