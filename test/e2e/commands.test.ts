/** What the server is asked to run never holds anything of a user's: no path, however it is called. */
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { DigestMethod } from '../../src/remotes/remote.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { tempDirForTest } from '../support/for-one-test.ts';
import { startForcingSshd } from '../support/forced-command.ts';
import { installHelper, installOriginal } from '../support/helper-program.ts';
import { cleanEnvironment, mtputPath, sshArguments } from '../support/mtput.ts';
import { runOk } from '../support/process.ts';
import { runRaw } from '../support/raw-arguments.ts';
import { expectSuccess } from '../support/run-outcome.ts';
import { requireServer } from '../support/servers.ts';

/** Each would leave `gone` behind, or read another file, if any shell or tool took it for more than a name. */
const NAMES: readonly Buffer[] = [
  `it's "quoted"`,
  '$(touch gone)',
  '`touch gone`',
  '; touch gone; ',
  "'; touch gone; '",
  '"; touch gone; "',
  '\n touch gone\n',
  '-rf',
  '--version',
  '\\0044(touch gone) %s %b\\c',
  ' & | > * ? [a-z] {b} ~ ! # ',
  '\x1b[31mred\x07',
  '\t\r\x7f',
]
  .map((name) => Buffer.from(name))
  .concat(Buffer.from('caf\xe9 \xff$(touch gone)\n', 'latin1'), Buffer.alloc(255, 0xfe));

const DIRECTORY = `d '$(touch gone)"\n`;
const inside = (directory: string, name: Buffer) => Buffer.concat([Buffer.from(`${directory}/`), name]);

interface Case {
  readonly by: string;
  readonly method: DigestMethod;
  readonly install: (dir: string) => Promise<unknown>;
  /** Where programs are looked for beside those that were installed. */
  readonly path: string;
}

const USUAL = `${dirname(process.execPath)}:/usr/bin:/bin`;
/** All that a shell needs without python3 and perl. */
const TOOLS = ['dd', 'sha256sum'];

const CASES: readonly Case[] = [
  { by: 'python3 or perl', method: 'shell', install: async () => {}, path: USUAL },
  { by: 'the shell and dd', method: 'shell', install: linkTools, path: '/nowhere' },
  { by: 'our helper', method: 'helper', install: installHelper, path: USUAL },
  { by: 'the first helper', method: 'helper', install: installOriginal, path: USUAL },
];

async function linkTools(dir: string): Promise<void> {
  for (const tool of TOOLS) await symlink(await whereIs(tool), join(dir, tool));
}

async function whereIs(tool: string): Promise<string> {
  return (await runOk('sh', ['-c', `command -v ${tool}`])).stdout.trim();
}

describeWithServers(['sshd', 'sftp-server'], 'what the server is asked to run', () => {
  it.each(CASES)('is constant, whatever the names are: $by', async ({ method, install, path }) => {
    const bin = (await tempDirForTest()).file('bin');
    await mkdir(bin);
    await install(bin);
    const server = await startForcingSshd({ path: `${bin}:${path}` });
    onTestFinished(server.stop);
    const sources = await tempDirForTest();
    await mkdir(join(server.home, DIRECTORY));
    for (const [index, name] of NAMES.entries()) await writeFile(inside(sources.path, name), contentOf(index));
    const address = Buffer.from(`${server.user}@${server.host}:${DIRECTORY}/`);
    const run = await runRaw(
      mtputPath,
      [
        ...sshArguments(server),
        ...['-n', '3', '-s', '64K', '--verify', 'hash', '--digest-provider', method, '--json'],
        '--',
        ...NAMES.map((name) => inside('.', name)),
        address,
      ],
      { cwd: sources.path, env: cleanEnvironment(server.dir) },
    );
    expectSuccess(run);
    for (const [index, name] of NAMES.entries()) {
      expect((await readFile(inside(join(server.home, DIRECTORY), name))).equals(contentOf(index))).toBe(true);
    }
    expect(JSON.parse(run.stdout.trimEnd().split('\n').at(-1)!)).toMatchObject({
      type: 'result',
      verified: { byDigest: NAMES.reduce((sum, _, index) => sum + contentOf(index).length, 0) },
    });
    const commands = (await server.commands()).map((command) => command.toString('latin1'));
    expect([...new Set(commands)].sort()).toEqual([requireServer('sftp-server'), 'exec /bin/sh'].sort());
    for (const directory of [server.home, server.dir, sources.path, '.']) {
      await expect(readFile(join(directory, 'gone')), directory).rejects.toMatchObject({ code: 'ENOENT' });
    }
  });
});

/** More than one piece each, and no two the same. */
function contentOf(index: number): Buffer {
  return Buffer.alloc(65_536 + 1000 + index, `content ${index} `);
}
