// npm run bench -- cuts: how much is sent when runs are killed again and again, on a slow line, where the server cannot
// hash.
import { setTimeout as sleep } from 'node:timers/promises';
import { startProcess } from '../test/support/process.ts';
import type { RunningProxy } from '../test/support/proxy.ts';
import { chooseRuns } from './support/bench-arguments.ts';
import { benchMain } from './support/bench-main.ts';
import { finishScene } from './support/finish-scene.ts';
import { runInTurn } from './support/in-turn.ts';
import type { Run } from './support/rows.ts';
import { runTransfer, transferTo } from './support/run-transfer.ts';
import { say } from './support/say.ts';
import { cutsSheet } from './support/sheets/cuts.ts';
import { mtput } from './support/tools/mt-copy.ts';
import type { Tool } from './support/tools/tool.ts';
import { type TransferScene, withLine, withTransferScene } from './support/transfer-scene.ts';

const BYTES = 200_000_000;
const CONNECTIONS = 8;
/** Of each connection and direction. */
const LINE = { bytesPerSecond: 3_000_000 };
const CUTS = 3;
const CUT_AFTER_MS = 2500;
const RUNS = 3;

const tool = mtput({ connections: CONNECTIONS, options: ['-q'] });
const ENTRANTS = [
  { ...tool, name: 'whole', label: 'one run', cuts: 0 },
  { ...tool, name: 'cuts', label: `${CUTS} runs of ${CUT_AFTER_MS / 1000} s, and one to the end`, cuts: CUTS },
];

/** Runs `tool` as it is run the next time too, and kills it after a while. */
async function runAndKill(tool: Tool, scene: TransferScene, port: number): Promise<void> {
  const { command, args, env } = await tool.call(transferTo(`${tool.name}.bin`, scene, port));
  const run = await startProcess(command, args, { env, stdio: 'ignore' });
  try {
    await sleep(CUT_AFTER_MS);
  } finally {
    await run.stop('SIGKILL');
  }
}

/** `seconds` are those of the run that came to the end, `bytesSent` is what went through the line in all of them. */
async function runOnce(entrant: (typeof ENTRANTS)[number], scene: TransferScene, proxy: RunningProxy): Promise<Run> {
  const before = (await proxy.stats()).bytesUp;
  for (let cut = 0; cut < entrant.cuts; cut++) await runAndKill(entrant, scene, proxy.port);
  const run = await runTransfer(entrant, scene, proxy.port);
  const bytesSent = (await proxy.stats()).bytesUp - before;
  return { ...run, bytesSent, ratio: bytesSent / BYTES };
}

await benchMain(async () => {
  const choice = chooseRuns(process.argv.slice(2), ENTRANTS, () => RUNS);
  say(`${BYTES / 1e6} MB over ${CONNECTIONS} connections of ${LINE.bytesPerSecond / 1e6} MB/s each ...`);
  const runs = await withTransferScene({ bytes: BYTES, landing: 'disk', sshd: { forceSftp: true } }, (scene) =>
    withLine(scene, LINE, (proxy) =>
      runInTurn(
        choice,
        (entrant) => runOnce(entrant, scene, proxy),
        ({ tool: name, ratio = 0 }) => `${name}: ${ratio.toFixed(2)} times the file was sent`,
      ),
    ),
  );
  await finishScene(cutsSheet, {
    items: choice.chosen,
    facts: { bytes: BYTES, connections: CONNECTIONS, bytesPerSecondPerConnection: LINE.bytesPerSecond },
    runs,
    complete: choice.complete,
  });
});
