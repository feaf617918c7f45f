import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { syncDirectory } from '../../../src/util/sync-directory.ts';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';

let dir: TempDir;
beforeEach(async () => {
  dir = await makeTempDir('sync-directory');
});
afterEach(() => dir.remove());

test('a directory is synced, by a path of text or bytes', async () => {
  await mkdir(dir.file('made'));
  await writeFile(dir.file('made/file'), 'bytes');
  await syncDirectory(dir.file('made'));
  await syncDirectory(Buffer.from(dir.file('made')));
});

test.skipIf(process.platform !== 'linux')('what cannot be synced is ignored', async () => {
  await syncDirectory('/proc/self');
});

test('a directory that is missing is a failure', async () => {
  await expect(syncDirectory(dir.file('missing'))).rejects.toMatchObject({ code: 'ENOENT' });
});
