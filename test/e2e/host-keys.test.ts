/** The key of the server is judged before anything is told to it. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Bed, describeOn } from '../support/each-server.ts';
import { cleanEnvironment, mtputPath } from '../support/mtput.ts';
import { type RunResult, run, runOk } from '../support/process.ts';
import { writeRandomFile } from '../support/random-file.ts';
import { expectFailure, expectSuccess } from '../support/run-outcome.ts';
import { makeKey, publicKey } from '../support/ssh-keys.ts';
import { startSshd } from '../support/sshd.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { inLongerTiers } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const triedToLogIn = /userauth-request for user/;

async function fingerprint(publicKeyFile: string): Promise<string> {
  const { stdout } = await runOk('ssh-keygen', ['-lf', publicKeyFile]);
  return stdout.split(' ')[1] as string;
}

/** What the user's own known_hosts is like, in the home of who runs the tests. */
async function usersOwnFile(): Promise<unknown> {
  return stat(join(homedir(), '.ssh/known_hosts')).then(
    ({ size, mtimeMs, ino }) => ({ size, mtimeMs, ino }),
    () => undefined,
  );
}

/** Runs under a home of its own, which must stay empty. */
function hostKeySuite(bed: Bed): void {
  let home: TempDir;
  let work: TempDir;
  let source: string;
  let usersFile: unknown;
  beforeAll(async () => {
    source = bed.dir.file('source.bin');
    // Of several pieces, so that several connections shake hands.
    await writeRandomFile(source, 9_000_000);
    usersFile = await usersOwnFile();
  });
  beforeEach(async () => {
    [home, work] = await Promise.all([makeTempDir('home'), makeTempDir('known')]);
  });
  afterEach(async () => {
    expect(await readdir(home.path)).toEqual([]);
    expect(await usersOwnFile()).toEqual(usersFile);
    await Promise.all([home.remove(), work.remove()]);
  });

  async function put(target: string, more: readonly string[]): Promise<RunResult> {
    const { server } = bed;
    const address = `${server.user}@${server.host}:${target}`;
    const args = ['-P', `${server.port}`, '-i', server.identityFile, '-B', '-n', '3', ...more, source, address];
    return run(process.execPath, [mtputPath, ...args], {
      env: { ...cleanEnvironment(home.path), XDG_STATE_HOME: work.file('state') },
    });
  }

  async function knownHosts(...lines: string[]): Promise<{ path: string; option: string[] }> {
    const path = work.file('known_hosts');
    await writeFile(path, lines.map((line) => `${line}\n`).join(''));
    return { path, option: ['-o', `UserKnownHostsFile=${path}`] };
  }

  const place = () => `[${bed.server.host}]:${bed.server.port}`;
  const rightLines = () => bed.server.hostKeys.map((key) => `${place()} ${key}`);

  /** Of one key of each type, which are made once: that takes longer than a run. */
  let wrongKeys: Promise<string[]> | undefined;
  async function wrongLines(): Promise<string[]> {
    wrongKeys ??= Promise.all(
      (['ed25519', 'rsa', 'ecdsa'] as const).map(async (type) => {
        await makeKey(work.file(type), type);
        return publicKey(work.file(type));
      }),
    );
    return (await wrongKeys).map((key) => `${place()} ${key}`);
  }

  /** What the server logs from now on until all its sessions are over. */
  async function logDuring(action: () => Promise<unknown>): Promise<string> {
    const before = (await bed.server.log()).length;
    await action();
    const ended = async () =>
      /Connection from/.test((await bed.server.log()).slice(before)) && bed.server.sessionPids().length === 0;
    await waitFor(ended, { what: 'the sessions to end' });
    return (await bed.server.log()).slice(before);
  }

  async function expectRefusal(more: readonly string[], happened: RegExp, advice: RegExp): Promise<void> {
    const refused = async () => expectFailure(await put('refused.bin', more), 6, happened, advice);
    if (bed.kind === 'sshd') expect(await logDuring(refused)).not.toMatch(triedToLogIn);
    else await refused();
    expect(await readdir(bed.server.home)).not.toContain('refused.bin');
  }

  if (bed.kind === 'sshd') {
    it('lets the log show who tries to log in', async () => {
      const { option } = await knownHosts(...rightLines());
      const log = await logDuring(async () => expect((await put('good.bin', option)).code).toBe(0));
      expect(log).toMatch(triedToLogIn);
    });
  }

  it('refuses a changed key before it logs in', async () => {
    const { path, option } = await knownHosts(...(await wrongLines()));
    const before = await readFile(path, 'utf8');
    await expectRefusal(option, /is not the known one: it showed .* SHA256:/, /ask the owner .*ssh-keygen -f \S+ -R/);
    expect(await readFile(path, 'utf8')).toBe(before);
  });

  it('refuses a changed key under accept-new too', async () => {
    const { path, option } = await knownHosts(...(await wrongLines()));
    const before = await readFile(path, 'utf8');
    const more = [...option, '-o', 'StrictHostKeyChecking=accept-new'];
    await expectRefusal(more, /is not the known one/, /Somebody may be listening/);
    expect(await readFile(path, 'utf8')).toBe(before);
  });

  it('refuses an unknown key and names its fingerprint', async () => {
    const { path, option } = await knownHosts();
    await expectRefusal(option, /is not known: \S+ SHA256:/, /add it to known_hosts or use --pin-host-key SHA256:/);
    expect(await readFile(path, 'utf8')).toBe('');
  });

  it('refuses an unknown key where there is no known_hosts at all', async () => {
    await expectRefusal([], /is not known/, /--pin-host-key/);
  });

  it('refuses a revoked key, though it is known', async () => {
    const revoked = bed.server.hostKeys.map((key) => `@revoked * ${key}`);
    const { option } = await knownHosts(...rightLines(), ...revoked);
    await expectRefusal(option, /is revoked: \S+ SHA256:/, /must not be used/);
  });

  it('refuses a revoked key though it is pinned', async () => {
    const { option } = await knownHosts(...bed.server.hostKeys.map((key) => `@revoked * ${key}`));
    const pins = await pinsOf(bed);
    await expectRefusal([...option, ...pins], /is revoked/, /must not be used/);
  });

  it('writes a new key to the given file alone, with accept-new', async () => {
    const { path, option } = await knownHosts();
    // A line that somebody forgot to end.
    await writeFile(path, '# mine');
    // Debian hashes names in its file for all users.
    const more = ['-o', 'StrictHostKeyChecking=accept-new', '-o', 'HashKnownHosts=no'];
    expectSuccess(await put('new.bin', [...option, ...more]));
    const lines = (await readFile(path, 'utf8')).split('\n');
    expect(lines).toEqual(['# mine', expect.toBeOneOf(rightLines()), '']);
    expectSuccess(await put('again.bin', option));
    expect((await readFile(path, 'utf8')).split('\n')).toEqual(lines);
  });

  it('takes a pinned key that is not known, and writes nothing', async () => {
    const { path, option } = await knownHosts();
    expectSuccess(await put('pinned.bin', [...option, ...(await pinsOf(bed))]));
    expect(await readFile(path, 'utf8')).toBe('');
  });

  it('refuses a known key that is not the pinned one', async () => {
    const { option } = await knownHosts(...rightLines());
    await makeKey(work.file('other'), 'ed25519');
    const pin = await fingerprint(work.file('other.pub'));
    await expectRefusal(
      [...option, '--pin-host-key', pin],
      /showed a key that is not pinned: \S+ SHA256:/,
      /Ask the owner/,
    );
  });
}

async function pinsOf({ server }: Bed): Promise<string[]> {
  const files = (await readdir(server.dir)).filter((name) => /^host_\w+\.pub$/.test(name));
  const pins = await Promise.all(files.map((name) => fingerprint(join(server.dir, name))));
  return pins.flatMap((pin) => ['--pin-host-key', pin]);
}

describeOn('sshd', 'the key of the server', hostKeySuite, () => startSshd({ logLevel: 'DEBUG1' }));
inLongerTiers(() => describeOn('proftpd', 'the key of the server', hostKeySuite));
