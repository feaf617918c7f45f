// npm run bench -- memory: what many connections cost.
import { chooseRuns } from './support/bench-arguments.ts';
import { benchMain } from './support/bench-main.ts';
import { finishScene } from './support/finish-scene.ts';
import { runInTurn } from './support/in-turn.ts';
import type { Run } from './support/rows.ts';
import { runTransfer } from './support/run-transfer.ts';
import { say } from './support/say.ts';
import { memorySheet } from './support/sheets/memory.ts';
import { mtput } from './support/tools/mt-copy.ts';
import type { Tool } from './support/tools/tool.ts';
import { withLine, withTransferScene } from './support/transfer-scene.ts';

const BYTES = 4 * 2 ** 30;
const CONNECTIONS = 64;
/** Each way. */
const LINE = { delayMs: 50 };

const near: Tool = mtput({ connections: CONNECTIONS, options: ['-q'] });
const far: Tool = { ...near, name: 'mtput-far', label: `${near.label}, ${2 * LINE.delayMs} ms` };

function describe({ tool, maxRssMiB = 0, seconds }: Run): string {
  return `${tool}: ${maxRssMiB.toFixed(1)} MiB, ${seconds.toFixed(2)} s`;
}

await benchMain(async () => {
  if (process.platform !== 'linux') throw new Error('Only Linux tells how much memory a process had');
  const choice = chooseRuns(process.argv.slice(2), [near, far], (tool) => (tool === near ? 5 : 1));
  say(`4 GiB over ${CONNECTIONS} connections: over loopback, and over ${2 * LINE.delayMs} ms round trip ...`);
  // All of them may be on their way in at once.
  const sshd = { maxStartups: `${2 * CONNECTIONS}` };
  const { runs, landsIn } = await withTransferScene({ bytes: BYTES, sshd }, (scene) =>
    withLine(scene, LINE, async (proxy) => {
      const portOf = (tool: Tool): number => (tool === near ? scene.server.port : proxy.port);
      const runs = await runInTurn(choice, (tool) => runTransfer(tool, scene, portOf(tool)), describe);
      return { runs, landsIn: scene.landsIn };
    }),
  );
  const facts = { bytes: BYTES, connections: CONNECTIONS, roundTripMs: 2 * LINE.delayMs, landsIn };
  await finishScene(memorySheet, { items: choice.chosen, facts, runs, complete: choice.complete });
});
