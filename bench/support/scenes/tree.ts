import { type Direction, programOf } from '../direction.ts';
import { finishScene } from '../finish-scene.ts';
import { measureProcess } from '../harness.ts';
import { runInTurn } from '../in-turn.ts';
import { runTransfer } from '../run-transfer.ts';
import { say } from '../say.ts';
import { treeSheet } from '../sheets/tree.ts';
import { mtCopy } from '../tools/mt-copy.ts';
import { availableTools } from '../tools/tool.ts';
import { lftpTree, rcloneTree, rsyncTree, scpTree, sftpTree } from '../tools/trees.ts';
import { withTransferScene } from '../transfer-scene.ts';
import { type TreePlan, treeBytes, treeRoom } from '../tree/generated-tree.ts';
import { chooseTreeRuns } from '../tree/tree-arguments.ts';

const TREE: TreePlan = { files: 30_000, directories: 300, smallest: 0, largest: 100_000 };
const RUNS = 3;
const LIMIT_SECONDS = 600;

export async function measureTree(direction: Direction): Promise<void> {
  const tools = availableTools([
    mtCopy(direction, { options: ['-q'] }),
    rsyncTree(),
    rcloneTree(),
    lftpTree(),
    sftpTree(),
    scpTree(),
  ]);
  // The bars are about these.
  const isCompared = new Set([programOf(direction), 'rsync', 'rclone']);
  const { plan, ...choice } = chooseTreeRuns(process.argv.slice(2), TREE, tools, ({ name }) =>
    isCompared.has(name) ? RUNS : 1,
  );
  const bytes = treeBytes(plan);
  say(`${plan.files} files, ${(bytes / 1e6).toFixed(0)} MB, over loopback, in turn:`);
  say(`${choice.chosen.map(({ name }) => name).join(', ')}; none may take more than ${LIMIT_SECONDS} s ...`);
  const room = { bytes: treeRoom(plan), tree: plan };
  const { runs, landsIn } = await withTransferScene({ direction, ...room }, async (scene) => ({
    runs: await runInTurn(choice, (tool) =>
      runTransfer(tool, scene, scene.server.port, (call) => measureProcess(call, LIMIT_SECONDS)),
    ),
    landsIn: scene.landsIn,
  }));
  await finishScene(treeSheet(direction), {
    items: choice.chosen,
    facts: { bytes, files: plan.files, directories: plan.directories, landsIn },
    runs,
    complete: choice.complete,
  });
}
