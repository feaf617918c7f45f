/** The commands of Match exec run only where that is allowed. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readSshConfig } from '../../../../../../src/remotes/sftp/ssh/config/read-config.ts';
import { tempDirForTest } from '../../../../../support/for-one-test.ts';

async function read(lines: string, allowsExec: boolean, host = 'nas') {
  const dir = await tempDirForTest();
  const file = dir.file('config');
  const made = dir.file('made');
  await writeFile(file, lines.replaceAll('MADE', made));
  const read = () =>
    readSshConfig({ host, file, given: [], allowsExec }, { home: dir.path, user: 'me', variables: {} });
  return { read, wasRun: () => existsSync(made), file };
}

test('no command is run unless that is allowed, and the lines are left out with a warning', async () => {
  const { read: readIt, wasRun, file } = await read('Match exec "touch MADE"\nPort 9\n', false);
  expect(readIt()).toEqual({
    fromFiles: [],
    warnings: [
      `${file} line 1: Match: the lines after it are left out, because of "exec" (--allow-match-exec runs such commands).`,
    ],
  });
  expect(wasRun()).toBe(false);
});

test('where that is allowed, it decides', async () => {
  const { read: readIt, wasRun } = await read('Match exec "touch MADE"\nPort 9\n', true);
  expect(readIt()).toMatchObject({ fromFiles: [{ keyword: 'Port' }], warnings: [] });
  expect(wasRun()).toBe(true);
});

test('no command is run where other criteria decide', async () => {
  const { read: readIt, wasRun } = await read('Match host other exec "touch MADE"\nPort 9\n', true);
  expect(readIt()).toEqual({ fromFiles: [], warnings: [] });
  expect(wasRun()).toBe(false);
});

test.each(['nas;touch MADE', 'nas$(touch MADE)', '`touch MADE`', 'a b'])(
  'a name that would do something else is refused: %s',
  async (host) => {
    const { read: readIt, wasRun } = await read('Match exec "echo %n"\nPort 9\n', true, host);
    expect(readIt).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(wasRun()).toBe(false);
  },
);

test('no secret reaches a command', async () => {
  process.env['MT_COPY_PASSWORD'] = 'secret';
  try {
    const { read: readIt } = await read('Match exec "test -z \\"$MT_COPY_PASSWORD\\""\nPort 9\n', true);
    expect(readIt()).toMatchObject({ fromFiles: [{ keyword: 'Port' }] });
  } finally {
    delete process.env['MT_COPY_PASSWORD'];
  }
});
