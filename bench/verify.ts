// npm run bench -- verify: what it costs to have the server hash each piece.
import { missingServers } from '../test/support/servers.ts';
import { chooseRuns } from './support/bench-arguments.ts';
import { benchMain } from './support/bench-main.ts';
import { BULK } from './support/bulk-settings.ts';
import { proftpdVersion } from './support/environment.ts';
import { finishScene } from './support/finish-scene.ts';
import { runInTurn } from './support/in-turn.ts';
import { withProftpd } from './support/proftpd-scene.ts';
import { runTransfer } from './support/run-transfer.ts';
import { say } from './support/say.ts';
import { verifySheet } from './support/sheets/verify.ts';
import { mtput } from './support/tools/mt-copy.ts';
import { availableTools, type Tool } from './support/tools/tool.ts';
import { withTransferScene } from './support/transfer-scene.ts';
import { checkVerified, measureJson } from './support/verified-upload.ts';

const { bytes, cipher, connections, sshd } = BULK;
const RUNS = 5;

interface Entrant extends Tool {
  readonly on: 'sshd' | 'proftpd';
  readonly hasDigests: boolean;
}

/** What takes part on a server: verified by `provider`, and not at all. Both say the same on stdout. */
function entrantsOn(on: Entrant['on'], provider: string, by: string): Entrant[] {
  const obstacle = missingServers([on])[0];
  const settings = { connections, cipher };
  const without = mtput({ ...settings, options: ['--json', '--verify', 'none'] });
  const verified = mtput({ ...settings, options: ['--json', '--digest-provider', provider] });
  return [
    { ...without, on, obstacle, hasDigests: false, name: `${on}-none`, label: `${on}, --verify none` },
    { ...verified, on, obstacle, hasDigests: true, name: `${on}-${provider}`, label: `${on}, ${by}` },
  ];
}

await benchMain(async () => {
  const entrants = availableTools([
    ...entrantsOn('sshd', 'shell', 'digests by its shell'),
    ...entrantsOn('proftpd', 'check-file', 'digests by check-file'),
  ]);
  const choice = chooseRuns(process.argv.slice(2), entrants, () => RUNS);
  say(`1 GiB over loopback with ${cipher}, in turn: ${choice.chosen.map(({ label }) => label).join('; ')} ...`);
  const hasProftpd = choice.chosen.some(({ on }) => on === 'proftpd');
  const { runs, landsIn } = await withTransferScene({ bytes, sshd }, (onSshd) =>
    withProftpd(hasProftpd, onSshd, async (onProftpd) => ({
      runs: await runInTurn(choice, (entrant) => {
        const scene = entrant.on === 'sshd' ? onSshd : onProftpd;
        return runTransfer(entrant, scene, scene.server.port, (call) =>
          measureJson(call, (result) => {
            if (entrant.hasDigests) checkVerified(result, bytes);
          }),
        );
      }),
      landsIn: onSshd.landsIn,
    })),
  );
  const facts = { bytes, connections, cipher, landsIn };
  const versions = hasProftpd ? { proftpd: await proftpdVersion() } : {};
  await finishScene(verifySheet, { items: choice.chosen, facts, runs, versions, complete: choice.complete });
});
