// npm run bench -- resume: a run that was killed, run again, beside what it cannot do without.
import { join } from 'node:path';
import { sha256Of, writeRandomFile } from '../test/support/random-file.ts';
import { chooseRuns } from './support/bench-arguments.ts';
import { benchMain } from './support/bench-main.ts';
import { BULK } from './support/bulk-settings.ts';
import { type CutRun, cutRun } from './support/cut-run.ts';
import { finishScene } from './support/finish-scene.ts';
import { measureProcess } from './support/harness.ts';
import { runInTurn } from './support/in-turn.ts';
import type { Run } from './support/rows.ts';
import { measureRun, runTransfer } from './support/run-transfer.ts';
import { say } from './support/say.ts';
import { resumeSheet } from './support/sheets/resume.ts';
import { mtput } from './support/tools/mt-copy.ts';
import { opensslDigests } from './support/tools/openssl.ts';
import { availableTools, type Tool } from './support/tools/tool.ts';
import { type TransferScene, withTransferScene } from './support/transfer-scene.ts';
import { checkVerified, measureJson } from './support/verified-upload.ts';

const { bytes, cipher, connections, sshd } = BULK;
const RUNS = 5;
const MISSING = 0.05;
/** How far from it a cut may be. */
const TOLERANCE = 0.01;
/** What may travel although it is there, as a share of the file. */
const TWICE = 0.01;

const settings = { connections, cipher };
const resumed: Tool = mtput({ ...settings, options: ['--json', '--digest-provider', 'shell'] });
/** So slow that it is killed at the right moment, and that its journal, told once a second, is not far behind. */
const toBeCut: Tool = mtput({ ...settings, options: ['-q', '--digest-provider', 'shell', '--limit', '32M'] });
const sent: Tool = mtput({ ...settings, options: ['--json', '--verify', 'none'] });

const ENTRANTS = [
  { name: 'digests', label: 'openssl dgst -sha256, here and there', rival: 'openssl' as const },
  { ...sent, name: 'missing', label: 'what is missing sent, --verify none' },
  { ...resumed, name: 'resume', label: 'run again' },
  { ...resumed, name: 'anew', label: 'run again without its journal, 3 s of it a second look' },
];
type Entrant = (typeof ENTRANTS)[number];

async function runDigests(name: string, scene: TransferScene, cut: CutRun): Promise<Run> {
  const call = opensslDigests([scene.source, cut.partial], scene.workDir);
  return measureRun(name, call, async (one) => {
    const run = await measureProcess(one);
    if (!run.stdout.startsWith(scene.sha256)) throw new Error('openssl has another digest of the source');
    return run;
  });
}

async function runAgain(tool: Tool, scene: TransferScene, cut: CutRun): Promise<Run> {
  await cut.restore(`${tool.name}.bin`);
  return runTransfer(tool, scene, scene.server.port, (call) =>
    measureJson(call, (result) => {
      checkVerified(result, bytes);
      if (result.bytesSent > cut.missing + TWICE * bytes) throw new Error(`${result.bytesSent} bytes were sent`);
    }),
  );
}

async function writeMissing(scene: TransferScene, { missing }: CutRun): Promise<TransferScene> {
  const source = join(scene.workDir, 'missing.bin');
  await writeRandomFile(source, missing);
  return { ...scene, source, sha256: await sha256Of(source) };
}

/** Cut once; every run begins with the same. */
async function cutOff(scene: TransferScene): Promise<CutRun> {
  const cut = await cutRun(scene, toBeCut, 'resume.bin', 1 - MISSING);
  const share = cut.missing / bytes;
  say(`Cut off: ${(100 * share).toFixed(2)} % of the file are missing`);
  if (Math.abs(share - MISSING) > TOLERANCE) throw new Error(`That is not ${100 * MISSING} %`);
  return cut;
}

await benchMain(async () => {
  const choice = chooseRuns<Entrant>(process.argv.slice(2), availableTools(ENTRANTS), () => RUNS);
  say(`1 GiB over loopback is cut off, and then in turn: ${choice.chosen.map(({ label }) => label).join('; ')} ...`);
  const { runs, missingBytes, landsIn } = await withTransferScene({ bytes, sshd }, async (scene) => {
    const cut = await cutOff(scene);
    const ofMissing = await writeMissing(scene, cut);
    const runs = await runInTurn(choice, (entrant) => {
      if (!('call' in entrant)) return runDigests(entrant.name, scene, cut);
      if (entrant.name === 'missing') return runTransfer(entrant, ofMissing, scene.server.port);
      return runAgain(entrant, scene, cut);
    });
    return { runs, missingBytes: cut.missing, landsIn: scene.landsIn };
  });
  const facts = { bytes, missingBytes, connections, cipher, landsIn };
  await finishScene(resumeSheet, { items: choice.chosen, facts, runs, complete: choice.complete });
});
