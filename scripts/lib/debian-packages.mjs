// Installs Debian packages for tests and benches. While that lasts, a policy-rc.d keeps their daemons from being
// started; afterwards none of them is left enabled for the next boot that was not enabled before.
import { chmodSync, existsSync, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootLinks, restoreBootLinks } from './boot-links.mjs';
import { onSignal, run } from './children.mjs';
import { say } from './say.mjs';

const POLICY = 'usr/sbin/policy-rc.d';
const POLICY_KEPT = 'usr/sbin/policy-rc.d.mt-copy-tools-kept';
const POLICY_MARK = '# temporary: packages are installed for tests, no daemon may start';
/** Before each link that was there when the policy was written. */
const LINK_MARK = '# enabled before: ';

export function isDebianRoot() {
  return process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

function isThere(path) {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function restorePolicy({ policy, kept }) {
  rmSync(policy, { force: true });
  if (isThere(kept)) renameSync(kept, policy);
}

/** The links that an earlier installation noted, if it was killed before it could restore anything. */
function linksOfKilledRun({ policy }) {
  const text = existsSync(policy) ? readFileSync(policy, 'utf8') : '';
  if (!text.includes(POLICY_MARK)) return undefined;
  const lines = text.split('\n').filter((line) => line.startsWith(LINK_MARK));
  return lines.map((line) => line.slice(LINK_MARK.length));
}

async function withoutDaemons(systemRoot, action) {
  const paths = { policy: join(systemRoot, POLICY), kept: join(systemRoot, POLICY_KEPT) };
  const left = linksOfKilledRun(paths);
  if (left !== undefined) restorePolicy(paths);
  const before = left ?? bootLinks(systemRoot);
  const restore = () => {
    restoreBootLinks(systemRoot, before);
    restorePolicy(paths);
  };
  const forget = onSignal(restore);
  try {
    if (isThere(paths.policy)) renameSync(paths.policy, paths.kept);
    const notes = before.map((path) => `${LINK_MARK}${path}\n`).join('');
    writeFileSync(paths.policy, `#!/bin/sh\n${POLICY_MARK}\n${notes}exit 101\n`);
    chmodSync(paths.policy, 0o755);
    await action();
  } finally {
    restore();
    forget();
  }
}

async function aptGet(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // stdout is for results.
  const code = await run('apt-get', args, { kind: 'packageManager', env, stdio: ['ignore', 2, 2] });
  if (code !== 0) throw new Error(`apt-get ${args.join(' ')} failed (${code})`);
}

/**
 * Installs into the system whose root directory is `systemRoot`; tests have one of their own. Rejects if apt-get fails.
 */
export async function installDebianPackages(packages, systemRoot = '/') {
  say(`Installing ${packages.join(' ')} (no daemon will be started or enabled) ...`);
  await withoutDaemons(systemRoot, async () => {
    await aptGet('update', '-q');
    await aptGet('install', '-q', '-y', '--no-install-recommends', ...packages);
  });
}
