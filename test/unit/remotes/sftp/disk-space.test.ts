import { expect, test, vi } from 'vitest';
import { CopyError } from '../../../../src/errors.ts';
import { StatusCode } from '../../../../src/remotes/sftp/codec/constants.ts';
import { SftpStatusError } from '../../../../src/remotes/sftp/codec/status-error.ts';
import { DiskSpace } from '../../../../src/remotes/sftp/disk-space.ts';
import { type Quirks, StandInSftpServer } from '../../../support/stand-in-sftp-server.ts';

const path = Buffer.from('/home/f');
const failure = new SftpStatusError(StatusCode.failure, 'Failure');
const full = expect.objectContaining({ code: 'no-space', exitCode: 4 });

async function spaceOn(quirks: Partial<Quirks>, { oldSize = 0, reportsShortWrites = false } = {}) {
  const session = await new StandInSftpServer(quirks).session();
  return { session, space: new DiskSpace(session, path, oldSize, reportsShortWrites) };
}

test.each([
  [0, full],
  [1024 * 1024, full],
  [1024 * 1024 + 1, undefined],
  [undefined, undefined],
])('with %s bytes free', async (freeBytes, expected) => {
  const { space } = await spaceOn({ freeBytes });
  expect(await space.shortage()).toEqual(expected);
  expect(await space.hadRoomForAll()).toBe(expected === undefined);
});

test('a server that fails to tell its free space has enough of it', async () => {
  const { space, session } = await spaceOn({ freeBytes: 0 });
  vi.spyOn(session, 'statVfs').mockRejectedValue(new CopyError('connection-lost', 'gone'));
  expect(await space.shortage()).toBeUndefined();
});

test('what was written over the old file had room', async () => {
  const { space } = await spaceOn({ freeBytes: 0 }, { oldSize: 100 });
  await space.checkRoom({ offset: 50, length: 50 });
  await expect(space.checkRoom({ offset: 50, length: 51 })).rejects.toEqual(full);
});

test('a server that reports short writes is not asked, except after a failure', async () => {
  const { space, session } = await spaceOn({ freeBytes: 0 }, { reportsShortWrites: true });
  const statVfs = vi.spyOn(session, 'statVfs');
  expect(await space.hadRoomForAll()).toBe(true);
  await space.checkRoom({ offset: 0, length: 1 });
  expect(statVfs).not.toHaveBeenCalled();
  expect(await space.explainWriteFailure(failure)).toMatchObject({ code: 'no-space', cause: failure });
});

test.each([
  ['an unspecified failure on a disk with room', failure, 2 ** 30, 'destination-refused'],
  ['an unspecified failure where the free space is unknown', failure, undefined, 'destination-refused'],
  ['a refusal', new SftpStatusError(StatusCode.permissionDenied, 'No'), 0, 'destination-permission'],
  ['a lost connection', new CopyError('connection-lost', 'gone'), 0, 'connection-lost'],
])('%s is not blamed on the disk', async (_what, error, freeBytes, code) => {
  const { space } = await spaceOn({ freeBytes });
  expect(await space.explainWriteFailure(error)).toMatchObject({ code });
});
