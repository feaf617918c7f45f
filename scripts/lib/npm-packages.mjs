// Installs the npm packages of the lock file, if any of them is missing or has another version.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './children.mjs';
import { root } from './root.mjs';
import { say } from './say.mjs';

function readPackages(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
}

/** Compares versions, not times: a checkout touches the lock file's time without changing what it asks for. */
function packagesAreCurrent() {
  const installedPath = 'node_modules/.package-lock.json';
  if (!existsSync(join(root, installedPath))) return false;
  const installed = readPackages(installedPath);
  return Object.entries(readPackages('package-lock.json')).every(
    ([path, wanted]) =>
      path === '' || installed[path]?.version === wanted.version || (wanted.optional && !installed[path]),
  );
}

/** Rejects if npm fails. */
export async function ensurePackages() {
  if (packagesAreCurrent()) return;
  say('Installing npm packages ...');
  const npmCli = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund'];
  const options = { cwd: root, stdio: ['ignore', 2, 2] };
  // Started by npm, its own program is known: no search in PATH, no .cmd file on Windows.
  const code = npmCli?.endsWith('.js')
    ? await run(process.execPath, [npmCli, ...args], options)
    : await run('npm', args, { ...options, shell: process.platform === 'win32' });
  if (code !== 0) throw new Error(`npm ${args.join(' ')} failed (${code})`);
}
