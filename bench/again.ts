// npm run bench -- again: a tree of very many tiny files is copied, and then the same command is run again.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { benchMain } from './support/bench-main.ts';
import { DIRECTIONS, type Direction } from './support/direction.ts';
import { finishScene } from './support/finish-scene.ts';
import { inTurn } from './support/in-turn.ts';
import type { Run } from './support/rows.ts';
import { checkArrived, measureRun, transferTo } from './support/run-transfer.ts';
import { say } from './support/say.ts';
import { againSheet, nameOf, STAGES } from './support/sheets/again.ts';
import { mtCopy } from './support/tools/mt-copy.ts';
import type { Tool, Transfer } from './support/tools/tool.ts';
import { type TransferScene, withTransferScene } from './support/transfer-scene.ts';
import { type TreePlan, treeBytes, treeRoom } from './support/tree/generated-tree.ts';
import { chooseTreeRuns } from './support/tree/tree-arguments.ts';

const TREE: TreePlan = { files: 200_000, directories: 2000, smallest: 0, largest: 64 };
const RUNS = 3;

interface Entrant extends Tool {
  readonly direction: Direction;
}

const ENTRANTS: readonly Entrant[] = DIRECTIONS.map((direction) => {
  return { ...mtCopy(direction, { options: ['-q'] }), direction };
});

/** What is in the source goes into the target, and does so again when the target is there: `.` asks for that. */
function ofContents(transfer: Transfer): Transfer {
  const { direction, local, remote } = transfer;
  return direction === 'up' ? { ...transfer, local: `${local}/.` } : { ...transfer, remote: `${remote}/.` };
}

/** Runs the same command twice. `ratio` of the second run: its time ÷ that of the first. */
async function runTwice(tool: Entrant, scene: TransferScene): Promise<Run[]> {
  const arrived = join(scene.landing, tool.name);
  const call = await tool.call(ofContents(transferTo(tool.name, scene, scene.server.port)));
  const runs: Run[] = [];
  for (const stage of STAGES) {
    const run = await measureRun(nameOf(tool.name, stage), call);
    await checkArrived(tool.name, arrived, scene);
    const first = runs[0];
    runs.push(first === undefined ? run : { ...run, ratio: run.seconds / first.seconds });
    say(`${run.tool}: ${run.seconds.toFixed(2)} s, ${run.maxRssMiB?.toFixed(0)} MiB`);
  }
  await rm(arrived, { recursive: true });
  return runs;
}

await benchMain(async () => {
  const choice = chooseTreeRuns(process.argv.slice(2), TREE, ENTRANTS, () => RUNS);
  const { plan, chosen, runsOf, complete } = choice;
  say(`${plan.files} files of 0 to 64 bytes over loopback, twice by each of ${chosen.map(({ name }) => name)} ...`);
  const runs: Run[] = [];
  let landsIn: TransferScene['landsIn'] | undefined;
  for (const entrant of chosen) {
    const { direction } = entrant;
    await withTransferScene({ direction, bytes: treeRoom(plan), tree: plan }, async (scene) => {
      landsIn = scene.landsIn;
      for (const tool of inTurn([entrant], runsOf)) runs.push(...(await runTwice(tool, scene)));
    });
  }
  const items = chosen.flatMap(({ name }) =>
    STAGES.map((stage) => ({ name: nameOf(name, stage), label: `${name}, ${stage}` })),
  );
  const { files, directories } = plan;
  const facts = { bytes: treeBytes(plan), files, directories, ...(landsIn && { landsIn }) };
  await finishScene(againSheet, { items, facts, runs, complete });
});
