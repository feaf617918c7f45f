/**
 * A write that was stored in part and answered with OK, as proftpd does on a full disk: in the middle no size tells.
 */
import { expect, test } from 'vitest';
import { standInUpload } from '../support/stand-in-upload.ts';
import { notices } from '../support/upload-scene.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const SIZE = 5 * MIB + 50_001;
const PIECE = 64 * KIB;
const nothing = { byDigest: 0, byReadBack: 0, bySize: 0, notVerified: 0 };

test.each([
  ['check-file', 'hash', { byDigest: SIZE }],
  ['the shell', 'hash', { byDigest: SIZE }],
  ['reading back', 'read-back', { byReadBack: SIZE }],
] as const)('%s: the piece is sent again, and the file is right', async (by, verify, verified) => {
  const shortWriteAt = 40 * PIECE + 1234;
  const checkFile = by === 'check-file' ? 'right' : 'none';
  const it = await standInUpload({ size: SIZE, quirks: { checkFile, shortWriteAt } });
  const outcome = await it.run({ verify });
  expect(it.server.quirks.shortWriteAt).toBe(Number.POSITIVE_INFINITY);
  expect(it.server.read(it.target)?.equals(it.source)).toBe(true);
  // On a busy machine a provider may be too late for its trial, and is told of.
  expect(notices(it.events).filter((code) => code !== 'sent-again' && code !== 'digests')).toEqual([]);
  // The write may have reached into the next piece.
  expect([PIECE, 2 * PIECE, 3 * PIECE]).toContain(outcome.bytesSent - SIZE);
  expect(outcome.verified).toEqual({ ...nothing, ...verified });
});

test('where the disk is full that is the error, and it goes on when there is room', async () => {
  const quirks = { checkFile: 'right', shortWriteAt: 40 * PIECE + 1234, freeBytes: 0 } as const;
  const it = await standInUpload({ size: SIZE, quirks });
  const { error } = await it.run();
  expect(error).toMatchObject({ code: 'no-space', exitCode: 4 });
  expect(it.server.read(it.target)).toBeUndefined();
  expect(notices(it.events)).toEqual([]);
  it.server.quirks.freeBytes = 100 * MIB;
  const again = await it.run();
  expect(again.error).toBeUndefined();
  expect(it.server.read(it.target)?.equals(it.source)).toBe(true);
  expect(again.bytesSent + again.bytesResumed).toBe(SIZE);
  expect(again.bytesResumed).toBeGreaterThan(0);
  expect(again.verified).toEqual({ ...nothing, byDigest: SIZE });
});

test('at the very end the size tells, whatever may hash', async () => {
  const it = await standInUpload({ size: SIZE, quirks: { shortWriteAt: SIZE - 10 } });
  const { error } = await it.run({ verify: 'size' });
  expect(error).toMatchObject({ code: 'integrity', exitCode: 9 });
  expect(it.server.read(it.target)).toBeUndefined();
});
