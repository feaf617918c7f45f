// npm run bench -- changing: lines that become longer, shorter, uneven or crowded while a file is sent.
import { chooseRuns } from './support/bench-arguments.ts';
import { benchMain } from './support/bench-main.ts';
import { CHANGING_LINES, type ChangingLine, withUnchanged } from './support/changing-lines.ts';
import { finishScene } from './support/finish-scene.ts';
import { measureProcess } from './support/harness.ts';
import { runInTurn } from './support/in-turn.ts';
import type { Run } from './support/rows.ts';
import { runTransfer } from './support/run-transfer.ts';
import { say } from './support/say.ts';
import { changingSheet } from './support/sheets/changing.ts';
import { mtput } from './support/tools/mt-copy.ts';
import { type TransferScene, withLine, withTransferScene } from './support/transfer-scene.ts';

const BYTES = 600_000_000;

/** An upload over a line of its own, as a line that has changed is no longer what the next run begins with. */
function uploadOver(scene: TransferScene, { name, connections, line, change }: ChangingLine): Promise<Run> {
  return withLine(scene, line, async (proxy) => {
    const tool = { ...mtput({ connections, options: ['-q', '--verify', 'size'] }), name };
    return runTransfer(tool, scene, proxy.port, async (call) => {
      const end = change?.(proxy);
      return measureProcess(call).finally(end);
    });
  });
}

await benchMain(async () => {
  const asked = chooseRuns(process.argv.slice(2), CHANGING_LINES, () => 1);
  const choice = { ...asked, chosen: withUnchanged(asked.chosen) };
  say(`${BYTES / 1e6} MB over lines that change, and over the same lines unchanged:`);
  say(`${choice.chosen.map(({ name }) => name).join(', ')} ...`);
  const { runs, landsIn } = await withTransferScene({ bytes: BYTES }, async (scene) => ({
    runs: await runInTurn(choice, (line) => uploadOver(scene, line)),
    landsIn: scene.landsIn,
  }));
  await finishScene(changingSheet, {
    items: choice.chosen,
    facts: { bytes: BYTES, landsIn },
    runs,
    complete: choice.complete,
  });
});
