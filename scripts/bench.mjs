// npm run bench -- SCENE [ARGUMENTS]: builds and runs bench/SCENE.ts.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensurePackages, ensureRivals, ensureServers, root } from './install.mjs';

/** Scenes in which lftp, rclone or openssl take part. */
const WITH_RIVALS = ['bulk', 'long', 'start', 'resume'];

const [scene, ...args] = process.argv.slice(2);
const scenes = readdirSync(join(root, 'bench'))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3));
if (scene === undefined || !scenes.includes(scene)) {
  process.stderr.write(`Usage: npm run bench -- SCENE\nScenes: ${scenes.join(', ')}\n`);
  process.exit(2);
}

ensurePackages();
if (scene !== 'report') ensureServers();
if (WITH_RIVALS.includes(scene)) ensureRivals();
await build({ dev: true });
// Ctrl-C is the bench's to handle: it has servers and proxies to end.
process.on('SIGINT', () => {});
const result = spawnSync(process.execPath, [join(root, 'build/bench', `${scene}.js`), ...args], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
