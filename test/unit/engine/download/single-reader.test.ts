/** Servers that let one connection read a file at a time, whatever they answer to the others. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { StatusCode } from '../../../../src/remotes/sftp/codec/constants.ts';
import { standInDownload } from '../../../support/stand-in-download.ts';

const SIZE = 3 * 1024 * 1024 + 17;

test.each([
  ['2, no such file', StatusCode.noSuchFile],
  ['3, permission denied', StatusCode.permissionDenied],
  ['4, failure', StatusCode.failure],
  ['8, not supported', StatusCode.unsupported],
])('a second reader is refused with %s: one reads it all, and is named', async (_, refusesSecondOpen) => {
  const it = await standInDownload({ size: SIZE, quirks: { refusesSecondOpen, checkFile: 'right' } });
  const outcome = await it.run();
  expect(outcome.error).toBeUndefined();
  expect(outcome).toMatchObject({ filesDone: 1, bytesSent: SIZE, verified: { byDigest: SIZE } });
  expect((await readFile(it.target)).equals(it.source)).toBe(true);
  const told = it.events.filter((event) => event.type === 'notice' && event.code === 'single-reader');
  expect(told).toMatchObject([
    { level: 'detail', message: expect.stringMatching(/one connection reads it, because /) },
  ]);
  expect(it.server.openHandles).toBe(0);
});
