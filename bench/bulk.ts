// npm run bench -- bulk: nothing is slow but the processor.
import { chooseRuns } from './support/bench-arguments.ts';
import { benchMain } from './support/bench-main.ts';
import { BULK } from './support/bulk-upload.ts';
import { finishScene } from './support/finish-scene.ts';
import { runInTurn } from './support/in-turn.ts';
import { runUpload } from './support/run-upload.ts';
import { say } from './support/say.ts';
import { bulkSheet } from './support/sheets/bulk.ts';
import { lftp } from './support/tools/lftp.ts';
import { mtputWithAddon, mtputWithoutAddon } from './support/tools/mtput.ts';
import { scp, sftp } from './support/tools/openssh.ts';
import { rclone } from './support/tools/rclone.ts';
import { availableTools } from './support/tools/tool.ts';
import { withUploadScene } from './support/upload-scene.ts';

const { bytes, cipher, connections, mtput, sshd } = BULK;
const RUNS = 5;

await benchMain(async () => {
  const tools = availableTools([
    mtputWithAddon(mtput),
    mtputWithoutAddon(mtput),
    scp({ cipher }),
    sftp({ cipher }),
    lftp({ cipher }),
    rclone({ cipher, streams: connections }),
  ]);
  const choice = chooseRuns(process.argv.slice(2), tools, () => RUNS);
  say(`1 GiB over loopback with ${cipher}, in turn: ${choice.chosen.map((tool) => tool.name).join(', ')} ...`);
  const { runs, landsIn } = await withUploadScene({ bytes, sshd }, async (scene) => ({
    runs: await runInTurn(choice, (tool) => runUpload(tool, scene, scene.server.port)),
    landsIn: scene.landsIn,
  }));
  const facts = { bytes, connections, cipher, landsIn };
  await finishScene(bulkSheet, { items: choice.chosen, facts, runs, complete: choice.complete });
});
