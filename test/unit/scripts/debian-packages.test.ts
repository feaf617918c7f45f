/** Installing the packages of test servers leaves the machine as it was: no daemon runs, and none starts at boot. */
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { startProcess } from '../../support/process.ts';
import { repoRoot } from '../../support/repo-root.ts';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';

const LIBRARY = pathToFileURL(join(repoRoot, 'scripts/lib/debian-packages.mjs'));

/** Does to the system in $ROOT what the packages of ssh and proftpd do, and waits for as long as `hold` exists. */
const APT_GET = `#!/bin/sh
[ "$1" = install ] || exit 0
"$ROOT/usr/sbin/policy-rc.d"; echo "policy $?" >>"$ROOT/log"
trap 'echo interrupted >>"$ROOT/log"' INT
trap 'echo killed >>"$ROOT/log"; exit 1' TERM HUP
for level in 2 3 4 5; do ln -s ../init.d/new "$ROOT/etc/rc$level.d/S01new"; done
ln -s ../init.d/new "$ROOT/etc/rc0.d/K01new"
ln -s /lib/systemd/system/new.service "$ROOT/etc/systemd/system/multi-user.target.wants/new.service"
ln -s /lib/systemd/system/new.service "$ROOT/etc/systemd/system/alias.service"
ln -s /etc/sv/new "$ROOT/etc/runit/runsvdir/default/new"
echo linked >>"$ROOT/log"
while [ -e "$ROOT/hold" ]; do sleep 0.05; done
[ ! -e "$ROOT/fail" ] || exit 100
`;
/** As that of Debian: the service is stopped in the runlevels in which it was started. */
const UPDATE_RC_D = `#!/bin/sh
echo "update-rc.d $*" >>"$ROOT/log"
for level in 2 3 4 5; do mv "$ROOT/etc/rc$level.d/S01$1" "$ROOT/etc/rc$level.d/K01$1"; done
`;

/** What starts at boot before the installation. */
const BEFORE = [
  'etc/rc2.d/S01old',
  'etc/rc3.d/S01old',
  'etc/systemd/system/multi-user.target.wants/old.service',
  'etc/systemd/system/old-alias.service',
];
const DIRECTORIES = [
  ...[0, 2, 3, 4, 5].map((level) => `etc/rc${level}.d`),
  'etc/systemd/system/multi-user.target.wants',
  'etc/runit/runsvdir/default',
  'usr/sbin',
  'bin',
];

interface System {
  readonly dir: TempDir;
  install(): ReturnType<typeof startProcess>;
  log(): Promise<string[]>;
}

async function makeSystem(): Promise<System> {
  const dir = await makeTempDir('system');
  onTestFinished(dir.remove);
  for (const directory of DIRECTORIES) await mkdir(dir.file(directory), { recursive: true });
  for (const link of BEFORE) await symlink('/nowhere/old', dir.file(link));
  await writeFile(dir.file('bin/apt-get'), APT_GET, { mode: 0o755 });
  await writeFile(dir.file('bin/update-rc.d'), UPDATE_RC_D, { mode: 0o755 });
  await writeFile(dir.file('log'), '');
  const code = `import(${JSON.stringify(LIBRARY)}).then((library) => library.installDebianPackages(['new'], process.env.ROOT))
    .then(() => console.log('continues'), (error) => { console.log(error.message); process.exitCode = 1; })`;
  const env = { ROOT: dir.path, PATH: [dir.file('bin'), dirname(process.execPath), '/usr/bin', '/bin'].join(':') };
  return {
    dir,
    install: () => startProcess(process.execPath, ['-e', code], { env, stdio: ['ignore', 'pipe', 'ignore'] }),
    log: async () => (await readFile(dir.file('log'), 'utf8')).trimEnd().split('\n'),
  };
}

/** What is started at boot, and what is not there otherwise. */
async function expectRestored({ dir }: System, policy?: string): Promise<void> {
  const entries = await readdir(dir.path, { recursive: true, withFileTypes: true });
  const links = entries.filter((entry) => entry.isSymbolicLink()).map((entry) => join(entry.parentPath, entry.name));
  const starting = links.filter((path) => !/\/K01new$/.test(path));
  expect(starting.sort()).toEqual(BEFORE.map((link) => dir.file(link)).sort());
  expect(await readdir(dir.file('usr/sbin'))).toEqual(policy === undefined ? [] : ['policy-rc.d']);
  if (policy !== undefined) expect(await readFile(dir.file('usr/sbin/policy-rc.d'), 'utf8')).toBe(policy);
}

async function linked(system: System): Promise<void> {
  await waitFor(async () => (await system.log()).includes('linked'), { what: 'packages to be installed' });
}

test('no daemon may start, and none is enabled that was not', async () => {
  const system = await makeSystem();
  const { exited } = await system.install();
  expect(await exited).toEqual({ code: 0, signal: null });
  expect(await system.log()).toEqual(['policy 101', 'linked', 'update-rc.d new disable']);
  await expectRestored(system);
});

test('a policy that was there is there again', async () => {
  const system = await makeSystem();
  await writeFile(system.dir.file('usr/sbin/policy-rc.d'), 'theirs');
  await (await system.install()).exited;
  await expectRestored(system, 'theirs');
});

test('the same after a failure', async () => {
  const system = await makeSystem();
  await writeFile(system.dir.file('fail'), '');
  expect(await (await system.install()).exited).toEqual({ code: 1, signal: null });
  await expectRestored(system);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s is an interruption of apt-get, which ends in order; then all is restored', async (signal, code) => {
  const system = await makeSystem();
  await writeFile(system.dir.file('hold'), '');
  const { child, exited } = await system.install();
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await linked(system);
  child.kill(signal);
  await waitFor(async () => (await system.log()).includes('interrupted'), { what: 'apt-get to be interrupted' });
  expect(child.exitCode).toBeNull();
  await rm(system.dir.file('hold'));
  expect(await exited).toEqual({ code, signal: null });
  expect(said, 'nothing continues').toBe('');
  expect(await system.log()).not.toContain('killed');
  await expectRestored(system);
});

test('after a run that was killed, the next one restores what was there before that', async () => {
  const system = await makeSystem();
  await writeFile(system.dir.file('usr/sbin/policy-rc.d'), 'theirs');
  await writeFile(system.dir.file('hold'), '');
  const killed = await system.install();
  await linked(system);
  await killed.stopTree();
  expect(await readFile(system.dir.file('usr/sbin/policy-rc.d'), 'utf8')).not.toBe('theirs');
  await writeFile(system.dir.file('bin/apt-get'), '#!/bin/sh\n', { mode: 0o755 });
  expect(await (await system.install()).exited).toEqual({ code: 0, signal: null });
  await expectRestored(system, 'theirs');
});
