import { measureRaw } from '../../../test/support/measure-raw.ts';
import { type Direction, programOf } from '../direction.ts';
import { finishScene } from '../finish-scene.ts';
import { measureProcess } from '../harness.ts';
import { runInTurn } from '../in-turn.ts';
import { runTransfer } from '../run-transfer.ts';
import { say } from '../say.ts';
import { smallSheet } from '../sheets/small.ts';
import { mtCopy } from '../tools/mt-copy.ts';
import { availableTools } from '../tools/tool.ts';
import { lftpTree, rcloneTree, rsyncTree, sftpTree } from '../tools/trees.ts';
import { withLine, withTransferScene } from '../transfer-scene.ts';
import { type TreePlan, treeBytes, treeRoom } from '../tree/generated-tree.ts';
import { chooseTreeRuns } from '../tree/tree-arguments.ts';

const TREE: TreePlan = { files: 5000, directories: 50, smallest: 4096, largest: 4096 };
const CONNECTIONS = 10;
/** Each way. */
const LINE = { delayMs: 20 };
const RUNS = 3;
/** Several of the others take much longer than ours: it suffices to know that. */
const LIMIT_SECONDS = 400;

export async function measureSmall(direction: Direction): Promise<void> {
  const own = mtCopy(direction, { connections: CONNECTIONS, options: ['-q'] });
  const tools = availableTools([own, rsyncTree(), rcloneTree(), lftpTree(), sftpTree()]);
  const { plan, ...choice } = chooseTreeRuns(process.argv.slice(2), TREE, tools, ({ name }) =>
    name === programOf(direction) ? RUNS : 1,
  );
  const bytes = treeBytes(plan);
  say(`${plan.files} files of 4 KiB over ${2 * LINE.delayMs} ms round trip. First plain sockets, then in turn:`);
  say(`${choice.chosen.map(({ name }) => name).join(', ')}; none may take more than ${LIMIT_SECONDS} s ...`);
  const raw = await measureRaw({ proxy: LINE, connections: CONNECTIONS, bytes, which: direction });
  say(`plain sockets: ${raw.seconds.toFixed(2)} s; the line itself is not faster`);
  const room = { bytes: treeRoom(plan), tree: plan };
  const { runs, landsIn } = await withTransferScene({ direction, ...room }, (scene) =>
    withLine(scene, LINE, async (proxy) => ({
      runs: await runInTurn(choice, (tool) =>
        runTransfer(tool, scene, proxy.port, (call) => measureProcess(call, LIMIT_SECONDS)),
      ),
      landsIn: scene.landsIn,
    })),
  );
  await finishScene(smallSheet(direction), {
    items: choice.chosen,
    facts: {
      bytes,
      files: plan.files,
      directories: plan.directories,
      connections: CONNECTIONS,
      roundTripMs: 2 * LINE.delayMs,
      landsIn,
      // The line has no rate to divide by.
      plainSockets: { seconds: raw.seconds },
    },
    runs,
    complete: choice.complete,
  });
}
