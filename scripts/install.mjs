// Brings what the tests and the programs need: npm packages, and on Debian the servers the tests talk to and the
// programs that benches run beside ours.
// It runs before anything is installed, so it uses nothing but Node itself.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const SERVERS = 'test/support/server-programs.json';
const RIVALS = 'bench/support/rival-programs.json';

const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_KEPT = '/usr/sbin/policy-rc.d.mt-copy-tools-kept';
const POLICY_MARK = '# temporary: packages are installed for tests, no daemon may start';

function say(text) {
  process.stderr.write(`${text}\n`);
}

/** Runs to the end; what it prints goes to stderr, so that stdout stays free for results. */
function runOrThrow(command, args, options = {}) {
  const result = spawnSync(command, args, { stdio: ['ignore', 2, 2], ...options });
  if (result.error) throw new Error(`${command} could not be started: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} failed (${result.signal ?? result.status})`);
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Compares versions, not times: a checkout touches the lock file's time without changing what it asks for. */
function packagesAreCurrent() {
  const installedPath = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedPath)) return false;
  const installed = readJson(installedPath).packages;
  return Object.entries(readJson(join(root, 'package-lock.json')).packages).every(
    ([path, wanted]) =>
      path === '' || installed[path]?.version === wanted.version || (wanted.optional && !installed[path]),
  );
}

export function ensurePackages() {
  if (packagesAreCurrent()) return;
  say('Installing npm packages ...');
  const npmCli = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund'];
  // Started by npm, its own program is known: no search in PATH, no .cmd file on Windows.
  if (npmCli?.endsWith('.js')) runOrThrow(process.execPath, [npmCli, ...args], { cwd: root });
  else runOrThrow('npm', args, { cwd: root, shell: process.platform === 'win32' });
}

function missingPrograms(list) {
  const programs = readJson(join(root, list));
  return Object.entries(programs)
    .filter(([, program]) => !program.paths.some((path) => existsSync(path)))
    .map(([name, program]) => ({ name, debianPackage: program.debianPackage }));
}

function isThere(path) {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function restorePolicy() {
  rmSync(POLICY, { force: true });
  if (isThere(POLICY_KEPT)) renameSync(POLICY_KEPT, POLICY);
}

/** While `action` runs, package scripts are told that no service may be started. */
function withoutDaemons(action) {
  // An earlier run that was killed leaves our file in place: its kept original is the true one.
  if (existsSync(POLICY) && readFileSync(POLICY, 'utf8').includes(POLICY_MARK)) restorePolicy();
  if (isThere(POLICY)) renameSync(POLICY, POLICY_KEPT);
  // With a listener a signal no longer ends this process before the policy is back in place.
  const ignore = () => {};
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, ignore);
  try {
    writeFileSync(POLICY, `#!/bin/sh\n${POLICY_MARK}\nexit 101\n`);
    chmodSync(POLICY, 0o755);
    action();
  } finally {
    restorePolicy();
    for (const signal of signals) process.off(signal, ignore);
  }
}

function isDebianRoot() {
  return process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

function installDebianPackages(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  say(`Installing ${packages.join(' ')} (no daemon will be started) ...`);
  withoutDaemons(() => {
    runOrThrow('apt-get', ['update', '-q'], { env });
    runOrThrow('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...packages], { env });
  });
}

/** Installs what of the list is missing, where that can be done; returns what is missing still. */
function bring(list, what) {
  const missing = missingPrograms(list);
  if (missing.length === 0 || !isDebianRoot()) return missing;
  try {
    installDebianPackages([...new Set(missing.map((program) => program.debianPackage))]);
  } catch (error) {
    say(`${what} could not be installed: ${error.message}`);
  }
  return missingPrograms(list);
}

function sayMissing(missing, forWhat, consequence) {
  const names = missing.map((program) => program.name).join(', ');
  const packages = [...new Set(missing.map((program) => program.debianPackage))].join(' ');
  say(`Missing for the ${forWhat}: ${names}. ${consequence}`);
  say(`On Debian or Ubuntu: sudo apt-get install ${packages}`);
}

/** What benches run beside ours. Without them their rows are missing, no more. */
export function ensureRivals() {
  const missing = bring(RIVALS, 'The programs to compare with');
  if (missing.length > 0) sayMissing(missing, 'benches', 'Their rows are left out.');
}

export function ensureServers() {
  const missing = bring(SERVERS, 'The test servers');
  if (missing.length === 0) return;
  sayMissing(missing, 'tests', 'Tests that need them are skipped.');
  say('Elsewhere: OpenSSH with its server, and proftpd 1.3.8 or later with mod_sftp.');
  if (process.env.CI === 'true') {
    say('With CI=true nothing may be skipped: giving up.');
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensurePackages();
  ensureServers();
}
