import { chooseRuns } from '../bench-arguments.ts';
import { BULK } from '../bulk-settings.ts';
import type { Direction } from '../direction.ts';
import { finishScene } from '../finish-scene.ts';
import { runInTurn } from '../in-turn.ts';
import { runTransfer } from '../run-transfer.ts';
import { say } from '../say.ts';
import { bulkSheet } from '../sheets/bulk.ts';
import { lftp } from '../tools/lftp.ts';
import { mtCopyWithAddon, mtCopyWithoutAddon } from '../tools/mt-copy.ts';
import { scp, sftp } from '../tools/openssh.ts';
import { rclone } from '../tools/rclone.ts';
import { availableTools } from '../tools/tool.ts';
import { withTransferScene } from '../transfer-scene.ts';

const { bytes, cipher, connections, own, sshd } = BULK;
const RUNS = 5;

export async function measureBulk(direction: Direction): Promise<void> {
  const tools = availableTools([
    mtCopyWithAddon(direction, own),
    mtCopyWithoutAddon(direction, own),
    scp({ cipher }),
    sftp({ cipher }),
    lftp({ cipher, connections }),
    rclone({ cipher, streams: connections }),
  ]);
  const choice = chooseRuns(process.argv.slice(2), tools, () => RUNS);
  say(`1 GiB over loopback with ${cipher}, in turn: ${choice.chosen.map((tool) => tool.name).join(', ')} ...`);
  const { runs, landsIn } = await withTransferScene({ direction, bytes, sshd }, async (scene) => ({
    runs: await runInTurn(choice, (tool) => runTransfer(tool, scene, scene.server.port)),
    landsIn: scene.landsIn,
  }));
  const facts = { bytes, connections, cipher, landsIn };
  await finishScene(bulkSheet(direction), { items: choice.chosen, facts, runs, complete: choice.complete });
}
