// The programs that tests and benches need beside Node: servers, what servers run, and programs to compare with.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installDebianPackages, isDebianRoot } from './debian-packages.mjs';
import { root } from './root.mjs';
import { say } from './say.mjs';

const SERVERS = 'test/support/server-programs.json';
const RIVALS = 'bench/support/rival-programs.json';

function missingPrograms(list) {
  const programs = JSON.parse(readFileSync(join(root, list), 'utf8'));
  return Object.entries(programs)
    .filter(([, program]) => !program.paths.some((path) => existsSync(path)))
    .map(([name, program]) => ({ name, debianPackage: program.debianPackage }));
}

/** Installs what of the list is missing, where that can be done; returns what is missing still. */
async function bring(list, what) {
  const missing = missingPrograms(list);
  if (missing.length === 0 || !isDebianRoot()) return missing;
  try {
    await installDebianPackages([...new Set(missing.map((program) => program.debianPackage))]);
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
export async function ensureRivals() {
  const missing = await bring(RIVALS, 'The programs to compare with');
  if (missing.length > 0) sayMissing(missing, 'benches', 'Their rows are left out.');
}

/** With CI=true, ends the script if a program is missing that a test needs. */
export async function ensureServers() {
  const missing = await bring(SERVERS, 'The test servers');
  if (missing.length === 0) return;
  sayMissing(missing, 'tests', 'Tests that need them are skipped.');
  say('Elsewhere: OpenSSH with its server, proftpd 1.3.8 or later with mod_sftp, python3, perl, openssl and rsync.');
  if (process.env.CI === 'true') {
    say('With CI=true nothing may be skipped: giving up.');
    process.exit(1);
  }
}
