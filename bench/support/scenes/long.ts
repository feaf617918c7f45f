import { measureRaw } from '../../../test/support/measure-raw.ts';
import { chooseRuns } from '../bench-arguments.ts';
import type { Direction } from '../direction.ts';
import { finishScene } from '../finish-scene.ts';
import { runInTurn } from '../in-turn.ts';
import { runTransfer } from '../run-transfer.ts';
import { say } from '../say.ts';
import { longSheet } from '../sheets/long.ts';
import { lftp } from '../tools/lftp.ts';
import { mtCopy } from '../tools/mt-copy.ts';
import { scp, sftp } from '../tools/openssh.ts';
import { rclone } from '../tools/rclone.ts';
import { availableTools, hasMany } from '../tools/tool.ts';
import { withLine, withTransferScene } from '../transfer-scene.ts';

const BYTES = 2 ** 30;
const CONNECTIONS = 16;
/** Each way. */
const LINE = { delayMs: 50 };

export async function measureLong(direction: Direction): Promise<void> {
  const tools = availableTools([
    mtCopy(direction, { connections: CONNECTIONS, options: ['-q', '--verify', 'size'] }),
    scp(),
    sftp(),
    lftp({ connections: CONNECTIONS }),
    rclone({ streams: CONNECTIONS }),
  ]);
  // Those with one connection take ten times as long, and vary less.
  const choice = chooseRuns(process.argv.slice(2), tools, (tool) => (hasMany(tool, direction) ? 5 : 1));
  say(`1 GiB over ${2 * LINE.delayMs} ms round trip. First plain sockets, then in turn:`);
  say(`${choice.chosen.map(({ name }) => name).join(', ')} ...`);
  const raw = await measureRaw({ proxy: LINE, connections: CONNECTIONS, bytes: BYTES, which: direction });
  say(`plain sockets: ${raw.seconds.toFixed(2)} s; the line itself is not faster`);
  const { runs, landsIn } = await withTransferScene({ direction, bytes: BYTES }, (scene) =>
    withLine(scene, LINE, async (proxy) => ({
      runs: await runInTurn(choice, (tool) => runTransfer(tool, scene, proxy.port)),
      landsIn: scene.landsIn,
    })),
  );
  await finishScene(longSheet(direction), {
    items: choice.chosen,
    facts: {
      bytes: BYTES,
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
