/** What the server says of the helper that was run once. */
import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as tick } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { escapedPath } from '../../../../../src/remotes/sftp/digests/escaped-path.ts';
import { judge, tryHelper } from '../../../../../src/remotes/sftp/install-helper/try-helper.ts';
import { TRY_SCRIPT } from '../../../../../src/remotes/sftp/install-helper/try-script.ts';
import { tempDirForTest } from '../../../../support/for-one-test.ts';
import { installHelper, installOriginal } from '../../../../support/helper-program.ts';
import { runOk } from '../../../../support/process.ts';
import { ScriptedShell } from '../digests/scripted-shell.ts';

const shells = [
  ['/bin/sh'],
  ['/bin/dash'],
  ['/bin/bash', '--posix'],
  ['/bin/busybox', 'sh'],
  ['/bin/ksh'],
  ['/bin/zsh', '--emulate', 'sh'],
].filter(([program]) => existsSync(program!));
const nodeDirectory = dirname(process.execPath);

test.each([
  ['0 home none node mt-copy-tools-cs 1.2.3 (serve 1)', { works: true, version: '1.2.3', onPath: 'none' }],
  ['0 home here node mt-copy-tools-cs 1.2.3 (serve 9) ', { works: true, onPath: 'here' }],
  ['0 away here node mt-copy-tools-cs 1.2.3 (serve 1)', { works: true, onPath: 'here' }],
  ['0 away other node mt-copy-tools-cs 1.2.3 (serve 1)', { works: false, reason: /another directory/ }],
  ['0 home here node mt-copy-tools-cs 1.2.3', { works: false, reason: /status 0: mt-copy/ }],
  ['0 home here node other 1.2.3 (serve 1)', { works: false, reason: /status 0/ }],
  ['127 home none no-node env: node: No such file', { works: false, reason: /has no node/ }],
  ['1 home none node SyntaxError.', { works: false, reason: /status 1: SyntaxError\.$/ }],
  ['1 home none node ', { works: false, reason: /status 1\.$/ }],
  ['unseen', { works: false, reason: /does not see it/ }],
  ['', { works: false, reason: /something else/ }],
  ['0 home here', { works: false, reason: /something else/ }],
])('%j', (line, { reason, ...expected }: { works: boolean; reason?: RegExp }) => {
  const trial = judge(line);
  expect(trial).toMatchObject(expected);
  if (!trial.works) expect(trial.reason).toMatch(reason!);
});

test('the text of the server is cleaned', () => {
  expect(judge('1 home none node \x1b[31mred')).toMatchObject({ reason: 'It ended with status 1: \\x1b[31mred.' });
});

/** The answer of a shell to `path`, with a home and a PATH. */
async function answerOf(shell: readonly string[], path: string | Buffer, home: string, searched: string) {
  const dir = await tempDirForTest();
  // Not by a pipe, of which a shell that reads ahead would swallow the request.
  await writeFile(dir.file('script'), TRY_SCRIPT.text);
  const [program, ...args] = [...shell, dir.file('script')];
  const { stdout } = await runOk(program!, args, {
    input: `${escapedPath(Buffer.from(path))}\n`,
    env: { PATH: `${searched}:/usr/bin:/bin`, HOME: home },
  });
  const [empty, marker, line, ...more] = stdout.split('\n');
  expect([empty, marker, more]).toEqual(['', TRY_SCRIPT.marker, ['']]);
  return line!;
}

test.each(shells)('%s %s runs it and looks where it stands', async (...shell) => {
  const dir = await tempDirForTest();
  const words = shell.filter((word) => word !== undefined);
  const home = dir.file("it's $(a) home");
  const bin = join(home, '.local/bin');
  const path = await installHelper(bin);
  const version = 'mt-copy-tools-cs \\S+ \\(serve 1\\)$';
  expect(await answerOf(words, path, home, nodeDirectory)).toMatch(new RegExp(`^0 home none node ${version}`));
  expect(await answerOf(words, path, home, `${bin}:${nodeDirectory}`)).toMatch(
    new RegExp(`^0 home here node ${version}`),
  );
  expect(await answerOf(words, path, dir.file('other'), nodeDirectory)).toMatch(/^0 away none node /);
  await installOriginal(dir.file('first'));
  expect(await answerOf(words, path, home, `${dir.file('first')}:${nodeDirectory}`)).toMatch(/^0 home other node /);
  await mkdir(dir.file('linked'));
  await symlink(join(home, '.local'), dir.file('linked/.local'));
  expect(await answerOf(words, path, dir.file('linked'), nodeDirectory)).toMatch(/^0 home none node /);
  expect(await answerOf(words, `${path}.not`, home, nodeDirectory)).toBe('unseen');
  await installOriginal(bin, '#!/bin/sh\nprintf "line\\nother"; exit 3\n');
  expect(await answerOf(words, path, home, nodeDirectory)).toBe('3 home none node line other');
});

test('an echo of the script is not taken for its marker', () => {
  expect(TRY_SCRIPT.text.split('\n').filter((line) => line.startsWith(TRY_SCRIPT.marker))).toEqual([]);
});

test('a program that never ends fails, and the shell is closed', async () => {
  const shell = new ScriptedShell();
  const trial = tryHelper(shell.connection, Buffer.from('/a b'), 20);
  await tick();
  shell.say('mt-copy-install\n');
  expect(await trial).toMatchObject({ works: false, reason: 'The server takes too long to answer.' });
  expect(shell.commands).toEqual(['exec /bin/sh']);
  expect(shell.received).toBe(`${TRY_SCRIPT.text}/a\\0040b\n`);
  expect(shell.isClosed).toBe(true);
});

test('a lost connection is not a result of the trial', async () => {
  const shell = new ScriptedShell();
  const trial = tryHelper(shell.connection, Buffer.from('/a'));
  await tick();
  shell.loseConnection();
  await expect(trial).rejects.toMatchObject({ code: 'connection-lost' });
});
