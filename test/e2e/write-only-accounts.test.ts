/** Accounts that may write and little else: what the server does not let anybody look at is tried. */
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { proftpdForTest, sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { eventsOf, type JsonRun, mtputJson } from '../support/mtput.ts';
import { sha256Of } from '../support/random-file.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';

/** More than one piece, so that there is a journal and several connections may write. */
const SIZE = 5_000_000;

const LOOKS = ['stat', 'lstat', 'fstat', 'realpath', 'opendir', 'readdir'];
const ALL_LOOKS = LOOKS.join(',');

/** [where the file goes, whether something stands there before, where it is afterwards] */
type Destination = readonly [path: string, isThere: boolean, after: string];
/** In the quick tier where nothing may be looked at has all of them, and each other account one. */
const SOME: readonly Destination[] = [['box/f', true, 'box/f'], ...byTier([], [['', false, 'source.bin'] as const])];
const ALL: readonly Destination[] = [
  ['', false, 'source.bin'],
  ['f', false, 'f'],
  ['f', true, 'f'],
  ['box/', false, 'box/source.bin'],
  ['box/f', true, 'box/f'],
];

function warnings(run: JsonRun): string[] {
  return eventsOf(run, 'notice')
    .filter(({ level }) => level === 'warning')
    .map(({ code }) => code);
}

async function files(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function putEverywhere(server: TestServer, destinations: readonly Destination[] = SOME): Promise<JsonRun[]> {
  const source = await sourceForTest(SIZE);
  const runs: JsonRun[] = [];
  await mkdir(join(server.home, 'box'));
  await chmod(join(server.home, 'box'), 0o777);
  for (const [path, isThere, after] of destinations) {
    const target = join(server.home, after);
    if (isThere) await writeFile(target, 'old');
    const run = await mtputJson([source.path], { server, path });
    expect(run.code, `${path}: ${run.stderr}`).toBe(0);
    expect(await sha256Of(target)).toBe(source.sha256);
    runs.push(run);
  }
  const expected = [...new Set(destinations.map(([, , after]) => join(server.home, after)))].sort();
  expect((await files(server.home)).sort()).toEqual(expected);
  return runs;
}

describeWithServers(['sshd'], 'an account of sshd that may not look', () => {
  it.each(byTier(['fstat'], LOOKS))('%s is refused: everything else is as ever', async (request) => {
    const server = await sshdForTest({ sftpOptions: `-P ${request}`, forceSftp: true });
    for (const run of await putEverywhere(server)) expect(warnings(run)).toEqual([]);
  });

  it.each([
    ['stat,lstat', []],
    [ALL_LOOKS, ['not-verified']],
    ...byTier<[string, string[]][]>(
      [],
      [
        ['stat,fstat', []],
        ['lstat,fstat', []],
        ['stat,lstat,fstat', ['not-verified']],
      ],
    ),
  ] as const)('%s are refused', async (requests, told) => {
    const server = await sshdForTest({ sftpOptions: `-P ${requests}`, forceSftp: true });
    const destinations = requests === ALL_LOOKS ? ALL : SOME;
    for (const run of await putEverywhere(server, destinations)) expect(warnings(run)).toEqual(told);
  });

  it('what the shell hashes is verified, also where nobody may look', async () => {
    const server = await sshdForTest({ sftpOptions: `-P stat,lstat,fstat,opendir,readdir` });
    for (const run of await putEverywhere(server)) {
      expect(eventsOf(run, 'result')[0]!.verified).toMatchObject({ byDigest: SIZE });
      expect(warnings(run)).toEqual([]);
    }
  });

  it('9 where verification by size is demanded and impossible', async () => {
    const server = await sshdForTest({ sftpOptions: `-P ${ALL_LOOKS}`, forceSftp: true });
    const source = await sourceForTest(SIZE);
    const run = await mtputJson([source.path], { server, path: 'f' }, ['--verify', 'size']);
    expect(run.code).toBe(9);
    expect(run.stderr).toMatch(/f cannot be looked at\.$/m);
  });

  it('--inplace: nothing of a longer old file is left', async () => {
    const server = await sshdForTest({ sftpOptions: `-P ${ALL_LOOKS}`, forceSftp: true });
    const source = await sourceForTest(SIZE);
    await writeFile(join(server.home, 'f'), Buffer.alloc(SIZE + 1000, 1));
    const run = await mtputJson([source.path], { server, path: 'f' }, ['--inplace']);
    expect(run.code, run.stderr).toBe(0);
    expect(await sha256Of(join(server.home, 'f'))).toBe(source.sha256);
  });

  it('a directory that is missing is made', async () => {
    const server = await sshdForTest({ sftpOptions: `-P ${ALL_LOOKS}`, forceSftp: true });
    const source = await sourceForTest(10);
    const run = await mtputJson([source.path], { server, path: 'deep/er/f' });
    expect(run.code, run.stderr).toBe(0);
    expect(await readFile(join(server.home, 'deep/er/f'))).toEqual(await readFile(source.path));
  });

  it('a run that was refused leaves the old file as it was', async () => {
    const server = await sshdForTest({ sftpOptions: `-P ${ALL_LOOKS},write`, forceSftp: true });
    const source = await sourceForTest(SIZE);
    await writeFile(join(server.home, 'f'), 'old');
    const run = await mtputJson([source.path], { server, path: 'f' });
    expect(run.code, run.stderr).toBe(4);
    expect(await readFile(join(server.home, 'f'), 'utf8')).toBe('old');
  });
});

const deny = (...commands: string[]): string => `<Limit ${commands.join(' ')}>\n  DenyAll\n</Limit>`;

describeWithServers(['proftpd'], 'an account of proftpd that may not look', () => {
  it.each([
    ['READ', deny('READ')],
    ...byTier(
      [],
      [
        ['STAT', deny('STAT')],
        ['the listing of directories', deny('LIST', 'NLST', 'MLSD', 'MLST')],
        ['the names of directories', deny('PWD', 'XPWD', 'CWD', 'XCWD')],
      ],
    ),
  ] as [string, string][])('%s', async (_, limit) => {
    const server = await proftpdForTest(limit);
    await putEverywhere(server);
  });

  it('DIRS, which denies renaming too: --inplace is what to do', async () => {
    const server = await proftpdForTest(deny('READ', 'DIRS'));
    const source = await sourceForTest(SIZE);
    const refused = await mtputJson([source.path], { server, path: '' });
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(/refused to rename .*Use --inplace/s);
    const run = await mtputJson([source.path], { server, path: '' }, ['--inplace']);
    expect(run.code, run.stderr).toBe(0);
    expect(await sha256Of(join(server.home, 'source.bin'))).toBe(source.sha256);
    expect((await stat(join(server.home, 'source.bin'))).size).toBe(SIZE);
  });
});
