import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build-project.mjs';
import { run } from './children.mjs';
import { main } from './main.mjs';
import { ensurePackages } from './npm-packages.mjs';
import { root } from './root.mjs';
import { ensureRivals, ensureServers } from './server-programs.mjs';

/** Scenes in which programs take part that are neither ours nor OpenSSH's. */
const WITH_RIVALS = [
  'bulk',
  'bulk-down',
  'long',
  'long-down',
  'shaped-down',
  'memory-down',
  'delta',
  'small',
  'small-down',
  'tree',
  'tree-down',
  'start',
  'resume',
];

const [scene, ...args] = process.argv.slice(2);
const scenes = readdirSync(join(root, 'bench'))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3));
if (scene === undefined || !scenes.includes(scene)) {
  process.stderr.write(`Usage: npm run bench -- SCENE\nScenes: ${scenes.join(', ')}\n`);
  process.exit(2);
}

await main('The bench failed', async () => {
  await ensurePackages();
  if (scene !== 'report') await ensureServers();
  if (WITH_RIVALS.includes(scene)) await ensureRivals();
  await build({ dev: true });
  return await run(process.execPath, [join(root, 'build/bench', `${scene}.js`), ...args], { cwd: root });
});
