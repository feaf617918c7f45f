/** The script in the shells that stand for /bin/sh. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { escapedPath } from '../../../../../src/remotes/sftp/digests/escaped-path.ts';
import { HELPER_SCRIPT } from '../../../../../src/remotes/sftp/digests/helper-script.ts';
import { tempDirForTest } from '../../../../support/for-one-test.ts';
import { installOriginal } from '../../../../support/helper-program.ts';
import { runOk } from '../../../../support/process.ts';

const shells = [
  ['/bin/sh'],
  ['/bin/dash'],
  ['/bin/bash', '--posix'],
  ['/bin/busybox', 'sh'],
  ['/bin/ksh'],
  ['/bin/zsh', '--emulate', 'sh'],
].filter(([program]) => existsSync(program!));

/** Prints what it was called with as hexadecimal digits, so that it passes for a digest. */
const ECHOES = `#!/bin/sh
[ "$1" = -h ] && exit 0
[ "$1" = -m ] || exit 1
printf '%s\\0' "$@" | od -An -v -tx1 | tr -d ' \\n'
`;

function echoed(line: string | undefined): string[] {
  const [code, hex = ''] = (line ?? '').split(' ');
  expect(code).toBe('0');
  return Buffer.from(hex, 'hex').toString('latin1').split('\0').slice(0, -1);
}

test.each(shells)('%s %s gives every byte of a path to the program', async (shell, ...args) => {
  const dir = await tempDirForTest();
  await mkdir(dir.file('bin'));
  await installOriginal(dir.file('bin'), ECHOES);
  const everyByte = Buffer.from(Array.from({ length: 255 }, (_, i) => i + 1));
  const paths = [
    everyByte,
    Buffer.from('/plain'),
    Buffer.from('/\n\n'),
    Buffer.from('/\\0101\\c%s'),
    Buffer.from('/1\x012'),
  ];
  const lines = paths.map((path, i) => `md5 ${i} 5 ${escapedPath(path)}\n`);
  // Not by a pipe, of which a shell that reads ahead would swallow the requests: they are only sent after the marker.
  await writeFile(dir.file('script'), HELPER_SCRIPT.text);
  const { stdout } = await runOk(shell!, [...args.filter((arg) => arg !== undefined), dir.file('script')], {
    input: lines.join(''),
    env: { PATH: `${dir.file('bin')}:/usr/bin:/bin`, HOME: dir.path },
  });
  const [empty, marker, ...answers] = stdout.trimEnd().split('\n');
  expect([empty, marker]).toEqual(['', `${HELPER_SCRIPT.marker}classic`]);
  expect(answers.map(echoed)).toEqual(
    paths.map((path, i) => ['-m', 'md5', '-f', path.toString('latin1'), '-s', `${i}`, '-l', '5']),
  );
});

test('an echo of the script is not taken for its marker', () => {
  const lines = HELPER_SCRIPT.text.split('\n');
  expect(lines.filter((line) => line.startsWith(HELPER_SCRIPT.marker))).toEqual([]);
});

test('a path is printable and without blanks, and a dash or a backslash is itself', () => {
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  expect(escapedPath(everyByte)).toMatch(/^[A-Za-z0-9/._\\-]+$/);
  expect(escapedPath(Buffer.from('/a-b_c.d\\e'))).toBe('/a-b_c.d\\0134e');
});
