// npm run bench -- profile [--as before|after]: what a bulk upload spends the processor on.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchMain } from './support/bench-main.ts';
import { BULK } from './support/bulk-settings.ts';
import { benchEnvironment } from './support/environment.ts';
import type { CpuProfile } from './support/profile/cpu-profile.ts';
import { ModuleNames } from './support/profile/module-names.ts';
import { GROUPS } from './support/profile/profile-groups.ts';
import { summarize } from './support/profile/profile-summary.ts';
import { functionCells, groupCells, type ProfileResults } from './support/profile/profile-tables.ts';
import { writeResults } from './support/results.ts';
import { runTransfer } from './support/run-transfer.ts';
import { say } from './support/say.ts';
import { table } from './support/table.ts';
import { mtput } from './support/tools/mt-copy.ts';
import { type TransferScene, withTransferScene } from './support/transfer-scene.ts';

const { bytes, cipher, connections, sshd } = BULK;
const PROFILE = '.cpuprofile';

function resultsName(args: readonly string[]): string {
  const { values } = parseArgs({ args: [...args], options: { as: { type: 'string' } } });
  if (values.as === undefined) return 'profile';
  if (values.as !== 'before' && values.as !== 'after') throw new Error('--as takes before or after');
  return `profile-${values.as}`;
}

/** Every thread writes a profile of its own. */
async function readProfiles(dir: string): Promise<CpuProfile[]> {
  const names = (await readdir(dir)).filter((name) => name.endsWith(PROFILE));
  if (names.length === 0) throw new Error('node wrote no profile');
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(dir, name), 'utf8'))));
}

async function measure(scene: TransferScene): Promise<Pick<ProfileResults, 'seconds' | 'cpuSeconds'>> {
  const nodeArguments = ['--cpu-prof', `--cpu-prof-dir=${scene.workDir}`];
  const tool = mtput({ ...BULK.own, nodeArguments });
  const { seconds, cpuSeconds } = await runTransfer(tool, scene, scene.server.port);
  return { seconds, ...(cpuSeconds !== undefined && { cpuSeconds }) };
}

await benchMain(async () => {
  const name = resultsName(process.argv.slice(2));
  say(`1 GiB over loopback with ${cipher} and ${connections} connections, watched by node --cpu-prof ...`);
  const measured = await withTransferScene({ bytes, sshd }, async (scene) => ({
    ...(await measure(scene)),
    ...summarize(await readProfiles(scene.workDir), new ModuleNames()),
  }));
  const environment = await benchEnvironment();
  const results: ProfileResults = { scene: 'profile', ...environment, bytes, cipher, connections, ...measured };
  const groups = groupCells(GROUPS, [{ name: 'seconds', results }]);
  const functions = functionCells(results);
  process.stdout.write(`\n${table(groups.head, groups.rows)}\n\n${table(functions.head, functions.rows)}\n`);
  say(
    `${results.seconds.toFixed(2)} s, ${results.threads} threads with a profile. Written: ${await writeResults(name, results)}`,
  );
});
