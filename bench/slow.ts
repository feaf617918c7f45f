// npm run bench -- slow: a line so slow that all connections together have less than one of them needs.
import { chooseRuns } from './support/bench-arguments.ts';
import { benchMain } from './support/bench-main.ts';
import { finishScene } from './support/finish-scene.ts';
import { runInTurn } from './support/in-turn.ts';
import { limitSeconds } from './support/ratio.ts';
import { runTransfer } from './support/run-transfer.ts';
import { say } from './support/say.ts';
import { slowSheet } from './support/sheets/slow.ts';
import { mtput } from './support/tools/mt-copy.ts';
import { withLine, withTransferScene } from './support/transfer-scene.ts';

const BYTES = 4_000_000;
const BYTES_PER_SECOND = 32_000;
/** So that many connections work on the file. */
const PIECES = ['-s', '256K'];
const TOOLS = [1, 10].map((connections) => ({
  ...mtput({ connections, options: PIECES }),
  name: `mtput-${connections}`,
}));

await benchMain(async () => {
  const choice = chooseRuns(process.argv.slice(2), TOOLS, () => 1);
  const limit = limitSeconds(BYTES, 1, BYTES_PER_SECOND);
  say(
    `${BYTES / 1e6} MB over a line of ${BYTES_PER_SECOND / 1e3} kB/s for all connections together: ${limit} s each ...`,
  );
  const line = { totalBytesPerSecond: BYTES_PER_SECOND, delayMs: 20 };
  const runs = await withTransferScene({ bytes: BYTES, landing: 'disk' }, (scene) =>
    withLine(scene, line, (proxy) =>
      runInTurn(choice, async (tool) => {
        const run = await runTransfer(tool, scene, proxy.port);
        return { ...run, ratio: run.seconds / limit };
      }),
    ),
  );
  await finishScene(slowSheet, {
    items: choice.chosen,
    facts: { bytes: BYTES, limitSeconds: limit, roundTripMs: 2 * line.delayMs },
    runs,
    complete: choice.complete,
  });
});
