// Which daemons start at boot, as links tell: those of runlevels 2 to 5, of systemd and of runit. Packages of servers
// enable themselves, and tests start their servers without that.
import { spawnSync } from 'node:child_process';
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const RUNLEVELS = [2, 3, 4, 5].map((level) => `etc/rc${level}.d`);
const SYSTEMD = 'etc/systemd/system';
const RUNIT = 'etc/runit/runsvdir/default';

function linksIn(directory) {
  const stats = lstatSync(directory, { throwIfNoEntry: false });
  if (!stats?.isDirectory()) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map((entry) => join(directory, entry.name));
}

/** Of systemd: links among the units are other names of a unit, those in `*.wants` have it started. */
function systemdDirectories(systemRoot) {
  const units = join(systemRoot, SYSTEMD);
  const stats = lstatSync(units, { throwIfNoEntry: false });
  if (!stats?.isDirectory()) return [];
  const dependencies = readdirSync(units, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /\.(wants|requires)$/.test(entry.name))
    .map((entry) => join(units, entry.name));
  return [units, ...dependencies];
}

/** The paths of all links that have a daemon started at boot, on the system whose root directory is `systemRoot`. */
export function bootLinks(systemRoot) {
  const runlevels = RUNLEVELS.map((directory) => join(systemRoot, directory));
  const runlevelLinks = runlevels.flatMap(linksIn).filter((path) => /\/S\d\d[^/]+$/.test(path));
  return [...runlevelLinks, ...[...systemdDirectories(systemRoot), join(systemRoot, RUNIT)].flatMap(linksIn)];
}

/** Disables what was not enabled when `before` was taken by {@link bootLinks}. */
export function restoreBootLinks(systemRoot, before) {
  const known = new Set(before);
  const added = () => bootLinks(systemRoot).filter((path) => !known.has(path));
  const scripts = added()
    .map((path) => /\/rc\d\.d\/S\d\d([^/]+)$/.exec(path)?.[1])
    .filter((name) => name !== undefined);
  // In this way it stays disabled when its package is upgraded.
  for (const name of new Set(scripts)) spawnSync('update-rc.d', [name, 'disable'], { stdio: 'ignore' });
  for (const path of added()) rmSync(path, { force: true });
}
