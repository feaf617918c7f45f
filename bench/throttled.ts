// npm run bench -- throttled: proftpd with TransferRate, which makes a WRITE wait for offset ÷ rate. Many connections
// gain nothing there, and must lose nothing.
import { chooseRuns } from './support/bench-arguments.ts';
import { benchMain } from './support/bench-main.ts';
import { finishScene } from './support/finish-scene.ts';
import { runInTurn } from './support/in-turn.ts';
import { withProftpd } from './support/proftpd-scene.ts';
import { runTransfer } from './support/run-transfer.ts';
import { say } from './support/say.ts';
import { throttledSheet } from './support/sheets/throttled.ts';
import { mtput } from './support/tools/mt-copy.ts';
import { scp } from './support/tools/openssh.ts';
import { withTransferScene } from './support/transfer-scene.ts';

const BYTES = 10_000_000;
/** As mod_sftp understands it: KiB each second. */
const DIRECTIVES = ['TransferRate STOR 1000'];
const TOOLS = [
  scp(),
  { ...mtput({ connections: 1 }), name: 'mtput-1' },
  { ...mtput({ connections: 4 }), name: 'mtput-4' },
  { ...mtput({ connections: 10 }), name: 'mtput-10' },
];

await benchMain(async () => {
  const choice = chooseRuns(process.argv.slice(2), TOOLS, () => 2);
  say(`${BYTES / 1e6} MB to proftpd with ${DIRECTIVES[0]} ...`);
  const runs = await withTransferScene({ bytes: BYTES, landing: 'disk' }, (scene) =>
    withProftpd(
      true,
      scene,
      (throttled) => runInTurn(choice, (tool) => runTransfer(tool, throttled, throttled.server.port)),
      DIRECTIVES,
    ),
  );
  await finishScene(throttledSheet, { items: choice.chosen, facts: { bytes: BYTES }, runs, complete: choice.complete });
});
