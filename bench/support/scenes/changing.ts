import { chooseRuns } from '../bench-arguments.ts';
import { type ChangingLine, changingLines, withUnchanged } from '../changing-lines.ts';
import type { Direction } from '../direction.ts';
import { finishScene } from '../finish-scene.ts';
import { measureProcess } from '../harness.ts';
import { runInTurn } from '../in-turn.ts';
import type { Run } from '../rows.ts';
import { runTransfer } from '../run-transfer.ts';
import { say } from '../say.ts';
import { changingSheet } from '../sheets/changing.ts';
import { mtCopy } from '../tools/mt-copy.ts';
import { type TransferScene, withLine, withTransferScene } from '../transfer-scene.ts';

const BYTES = 600_000_000;

/** A transfer over a line of its own, as a line that has changed is no longer what the next run begins with. */
function transferOver(scene: TransferScene, { name, connections, line, change }: ChangingLine): Promise<Run> {
  return withLine(scene, line, async (proxy) => {
    const tool = { ...mtCopy(scene.direction, { connections, options: ['-q', '--verify', 'size'] }), name };
    return runTransfer(tool, scene, proxy.port, async (call) => {
      const end = change?.(proxy);
      return measureProcess(call).finally(end);
    });
  });
}

export async function measureChanging(direction: Direction): Promise<void> {
  const lines = changingLines(direction);
  const asked = chooseRuns(process.argv.slice(2), lines, () => 1);
  const choice = { ...asked, chosen: withUnchanged(lines, asked.chosen) };
  say(`${BYTES / 1e6} MB over lines that change, and over the same lines unchanged:`);
  say(`${choice.chosen.map(({ name }) => name).join(', ')} ...`);
  const { runs, landsIn } = await withTransferScene({ direction, bytes: BYTES }, async (scene) => ({
    runs: await runInTurn(choice, (line) => transferOver(scene, line)),
    landsIn: scene.landsIn,
  }));
  await finishScene(changingSheet(direction), {
    items: choice.chosen,
    facts: { bytes: BYTES, landsIn },
    runs,
    complete: choice.complete,
  });
}
