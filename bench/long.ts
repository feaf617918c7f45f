// npm run bench -- long: a line of 100 ms round trip, as wide as one likes.
import { measureRaw } from '../test/support/measure-raw.ts';
import { chooseRuns } from './support/bench-arguments.ts';
import { benchMain } from './support/bench-main.ts';
import { finishScene } from './support/finish-scene.ts';
import { runInTurn } from './support/in-turn.ts';
import { runTransfer } from './support/run-transfer.ts';
import { say } from './support/say.ts';
import { longSheet } from './support/sheets/long.ts';
import { lftp } from './support/tools/lftp.ts';
import { mtput } from './support/tools/mt-copy.ts';
import { scp, sftp } from './support/tools/openssh.ts';
import { rclone } from './support/tools/rclone.ts';
import { availableTools } from './support/tools/tool.ts';
import { withLine, withTransferScene } from './support/transfer-scene.ts';

const BYTES = 2 ** 30;
const CONNECTIONS = 16;
/** Each way. */
const LINE = { delayMs: 50 };

await benchMain(async () => {
  const tools = availableTools([
    mtput({ connections: CONNECTIONS, options: ['-q', '--verify', 'size'] }),
    scp(),
    sftp(),
    lftp(),
    rclone({ streams: CONNECTIONS }),
  ]);
  // The others take ten times as long, and vary less.
  const choice = chooseRuns(process.argv.slice(2), tools, ({ name }) => (name === 'mtput' ? 5 : 1));
  say(`1 GiB over ${2 * LINE.delayMs} ms round trip. First plain sockets, then in turn:`);
  say(`${choice.chosen.map(({ name }) => name).join(', ')} ...`);
  const raw = await measureRaw({ proxy: LINE, connections: CONNECTIONS, bytes: BYTES });
  say(`plain sockets: ${raw.seconds.toFixed(2)} s; the line itself is not faster`);
  const { runs, landsIn } = await withTransferScene({ bytes: BYTES }, (scene) =>
    withLine(scene, LINE, async (proxy) => ({
      runs: await runInTurn(choice, (tool) => runTransfer(tool, scene, proxy.port)),
      landsIn: scene.landsIn,
    })),
  );
  await finishScene(longSheet, {
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
});
