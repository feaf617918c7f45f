// npm run bench -- shaped: a line that is slow for each connection, and lets one open as many as one likes.
import { measureRaw } from '../test/support/measure-raw.ts';
import type { RunningProxy } from '../test/support/proxy.ts';
import { chooseRuns } from './support/bench-arguments.ts';
import { benchMain } from './support/bench-main.ts';
import { finishScene } from './support/finish-scene.ts';
import { measureProcess, type ProgramCall } from './support/harness.ts';
import { runInTurn } from './support/in-turn.ts';
import { watchLine } from './support/line-watch.ts';
import { phasesLine, phasesOf } from './support/phases.ts';
import { limitSeconds } from './support/ratio.ts';
import type { Run } from './support/rows.ts';
import { type MeasuredRun, runTransfer } from './support/run-transfer.ts';
import { say } from './support/say.ts';
import { shapedSheet } from './support/sheets/shaped.ts';
import { mtput } from './support/tools/mt-copy.ts';
import { scp, sftp } from './support/tools/openssh.ts';
import { withLine, withTransferScene } from './support/transfer-scene.ts';

const BYTES = 400_000_000;
const CONNECTIONS = 10;
/** Of each connection and direction; 20 ms each way. */
const LINE = { bytesPerSecond: 2_000_000, delayMs: 20 };
const RAW_LEAST = 0.98;
const LIMIT_SECONDS = limitSeconds(BYTES, CONNECTIONS, LINE.bytesPerSecond);
const TOOLS = [mtput({ connections: CONNECTIONS, options: ['--json'] }), scp(), sftp()];

/** With a look at when each connection sends. */
async function measureOnLine(proxy: RunningProxy, call: ProgramCall): Promise<MeasuredRun> {
  const line = await watchLine(proxy, 'up');
  const run = await measureProcess(call);
  const samples = await line.stop();
  const phases = phasesOf(samples, { bytes: BYTES, bytesPerSecond: LINE.bytesPerSecond, end: run.seconds });
  return { ...run, ...(phases && { phases }) };
}

function describe({ tool, seconds, ratio = 0, phases }: Run): string {
  const line = `${tool}: ${seconds.toFixed(2)} s, time ÷ limit ${ratio.toFixed(3)}`;
  return phases ? `${line}\n  ${phasesLine(phases)}` : line;
}

await benchMain(async () => {
  // The others take ten times as long, and vary less.
  const choice = chooseRuns(process.argv.slice(2), TOOLS, ({ name }) => (name === 'mtput' ? 3 : 1));
  say(`${BYTES / 1e6} MB over ${CONNECTIONS} connections of ${LINE.bytesPerSecond / 1e6} MB/s each, 40 ms round trip.`);
  say(
    `The limit is ${LIMIT_SECONDS} s. First plain sockets, then ${choice.chosen.map((one) => one.name).join(', ')} ...`,
  );
  const raw = await measureRaw({ proxy: LINE, connections: CONNECTIONS, bytes: BYTES });
  say(`plain sockets: ${raw.ratio.toFixed(3)} of the line`);
  if (raw.ratio < RAW_LEAST) say(`warning: at least ${RAW_LEAST} is wanted; too busy a machine`);
  const runs = await withTransferScene({ bytes: BYTES, landing: 'disk' }, (scene) =>
    withLine(scene, LINE, (proxy) =>
      runInTurn(
        choice,
        async (tool) => {
          const run = await runTransfer(tool, scene, proxy.port, (call) => measureOnLine(proxy, call));
          return { ...run, ratio: run.seconds / LIMIT_SECONDS };
        },
        describe,
      ),
    ),
  );
  await finishScene(shapedSheet, {
    items: choice.chosen,
    facts: {
      bytes: BYTES,
      connections: CONNECTIONS,
      bytesPerSecondPerConnection: LINE.bytesPerSecond,
      roundTripMs: 2 * LINE.delayMs,
      limitSeconds: LIMIT_SECONDS,
      plainSockets: { seconds: raw.seconds, ofNominal: raw.ratio },
    },
    runs,
    complete: choice.complete,
  });
});
