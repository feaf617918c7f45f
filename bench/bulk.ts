// npm run bench -- bulk: nothing is slow but the processor.
import { chooseRuns } from './support/bench-arguments.ts';
import { benchMain } from './support/bench-main.ts';
import { BULK } from './support/bulk-settings.ts';
import { finishScene } from './support/finish-scene.ts';
import { runInTurn } from './support/in-turn.ts';
import { runTransfer } from './support/run-transfer.ts';
import { say } from './support/say.ts';
import { bulkSheet } from './support/sheets/bulk.ts';
import { lftp } from './support/tools/lftp.ts';
import { mtCopyWithAddon, mtCopyWithoutAddon } from './support/tools/mt-copy.ts';
import { scp, sftp } from './support/tools/openssh.ts';
import { rclone } from './support/tools/rclone.ts';
import { availableTools } from './support/tools/tool.ts';
import { withTransferScene } from './support/transfer-scene.ts';

const { bytes, cipher, connections, own, sshd } = BULK;
const RUNS = 5;

await benchMain(async () => {
  const tools = availableTools([
    mtCopyWithAddon('up', own),
    mtCopyWithoutAddon('up', own),
    scp({ cipher }),
    sftp({ cipher }),
    lftp({ cipher }),
    rclone({ cipher, streams: connections }),
  ]);
  const choice = chooseRuns(process.argv.slice(2), tools, () => RUNS);
  say(`1 GiB over loopback with ${cipher}, in turn: ${choice.chosen.map((tool) => tool.name).join(', ')} ...`);
  const { runs, landsIn } = await withTransferScene({ bytes, sshd }, async (scene) => ({
    runs: await runInTurn(choice, (tool) => runTransfer(tool, scene, scene.server.port)),
    landsIn: scene.landsIn,
  }));
  const facts = { bytes, connections, cipher, landsIn };
  await finishScene(bulkSheet, { items: choice.chosen, facts, runs, complete: choice.complete });
});
