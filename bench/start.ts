// npm run bench -- start: how long it takes to do next to nothing.
import { cleanEnvironment, mtputPath } from '../test/support/mtput.ts';
import { chooseRuns } from './support/bench-arguments.ts';
import { benchMain } from './support/bench-main.ts';
import { finishScene } from './support/finish-scene.ts';
import { runInTurn } from './support/in-turn.ts';
import { measureRun, runTransfer } from './support/run-transfer.ts';
import { say } from './support/say.ts';
import { startSheet } from './support/sheets/start.ts';
import { lftp } from './support/tools/lftp.ts';
import { mtput } from './support/tools/mt-copy.ts';
import { scp, sftp } from './support/tools/openssh.ts';
import { rclone } from './support/tools/rclone.ts';
import { availableTools } from './support/tools/tool.ts';
import { withTransferScene } from './support/transfer-scene.ts';

const BYTES = 1;
const RUNS = 11;

/** Programs that need no server. */
const ALONE = [
  { name: 'node', label: 'node -e 0', args: ['-e', '0'] },
  { name: 'version', label: 'mtput --version', args: [mtputPath, '--version'] },
];

await benchMain(async () => {
  const tools = availableTools([mtput({ options: ['-q'] }), scp(), sftp(), lftp(), rclone()]);
  const entrants = [...ALONE, ...tools.map((tool) => ({ ...tool, label: `a byte by ${tool.label}` }))];
  const choice = chooseRuns(process.argv.slice(2), entrants, () => RUNS);
  say(`In turn: ${choice.chosen.map(({ label }) => label).join(', ')} ...`);
  const runs = await withTransferScene({ bytes: BYTES }, (scene) =>
    runInTurn(choice, async (entrant) => {
      if ('call' in entrant) return runTransfer(entrant, scene, scene.server.port);
      const { name, args } = entrant;
      return measureRun(name, { command: process.execPath, args, env: cleanEnvironment(scene.workDir) });
    }),
  );
  await finishScene(startSheet, { items: choice.chosen, facts: { bytes: BYTES }, runs, complete: choice.complete });
});
