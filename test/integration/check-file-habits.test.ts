/** Servers that answer check-file in every way that was seen, and in some that were not: whole uploads. */
import { describe, expect, test } from 'vitest';
import { ExtensionName } from '../../src/remotes/sftp/codec/constants.ts';
import type { CheckFileHabit } from '../support/stand-in-check-file.ts';
import { type StandInUpload, type StandInUploadOptions, standInUpload } from '../support/stand-in-upload.ts';
import { byTier } from '../support/tier.ts';
import { notices } from '../support/upload-scene.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
/** No multiple of any block. */
const SIZE = byTier(2, 5) * MIB + 50_001;
const SHORT = 64 * KIB;
const LONG = 512 * KIB;

/** Told in other words, and right all the same. */
const RIGHT = [
  'right',
  'right-behind-name',
  'right-behind-lengths',
  'proftpd-1.3.7',
  'proftpd-1.3.8',
  'extra',
  'to-the-end',
  'over-read',
  'flood',
] as const satisfies CheckFileHabit[];

const ABSENT = ['none', 'handle-only'] as const satisfies CheckFileHabit[];

/** With what is told when it is found out. */
const WRONG = [
  ['empty', /with no digests, or those of no bytes, for bytes that exist\.$/],
  ['few', /with no digests, or those of no bytes, for bytes that exist\.$/],
  ['nonsense', /its answers are wrong\.$/],
  ['odd-bytes', /with something that is not a list of digests\.$/],
  ['md5-always', /with md5 where sha256 was asked for\.$/],
  ['bare-ok', /with a bare OK\.$/],
  ['denied', /refused to digest .*: Permission denied\.$/],
  ['deluge', /an SFTP packet of 16769039 bytes/],
  ['silent', /did not finish a slow operation/],
] as const satisfies [CheckFileHabit, RegExp][];

const nothing = { byDigest: 0, byReadBack: 0, bySize: 0, notVerified: 0 };
/** A slow operation is late soon. */
const session = { slowBaseMs: 300, slowBytesPerSecond: 1e12 };
/** More than a server can spoil before it is no longer asked. */
const CONNECTIONS = 5;

async function upload(checkFile: CheckFileHabit, more: Partial<StandInUploadOptions> = {}): Promise<StandInUpload> {
  return standInUpload({ size: SIZE, session, quirks: { checkFile }, ...more });
}

function expectRight({ server, source, target }: StandInUpload): void {
  expect(server.read(target)?.equals(source), 'the target').toBe(true);
  expect(server.paths.filter((path) => path.endsWith('.mtpart'))).toEqual([]);
}

function told({ events }: StandInUpload): string[] {
  return events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
}

describe.each(byTier([SHORT], [SHORT, LONG]))('pieces of %i bytes', (pieceSize) => {
  const options = { pieceSize, wanted: CONNECTIONS };

  test.each(RIGHT)('%s: everything is verified by check-file', async (habit) => {
    const it = await upload(habit);
    const { verified, bytesSent, error } = await it.run(options);
    expect(error).toBeUndefined();
    expectRight(it);
    expect({ verified, bytesSent }).toEqual({ verified: { ...nothing, byDigest: SIZE }, bytesSent: SIZE });
    expect(it.server.hashed).toBeGreaterThanOrEqual(SIZE);
    expect([told(it), it.commands]).toEqual([[], []]);
  });

  test.each(ABSENT)('%s: everything is verified by the shell, without a word', async (habit) => {
    const it = await upload(habit);
    const { verified, bytesSent } = await it.run(options);
    expectRight(it);
    expect({ verified, bytesSent }).toEqual({ verified: { ...nothing, byDigest: SIZE }, bytesSent: SIZE });
    expect(told(it)).toEqual([]);
  });

  test.each(WRONG)('%s: found out, and everything is verified by the shell', async (habit, why) => {
    const it = await upload(habit);
    const { verified, bytesSent, error } = await it.run(options);
    expect(error).toBeUndefined();
    expectRight(it);
    expect({ verified, bytesSent }).toEqual({ verified: { ...nothing, byDigest: SIZE }, bytesSent: SIZE });
    expect(told(it)).toEqual([expect.stringMatching(/^The server's check-file is not used: /)]);
    expect(told(it)[0]).toMatch(why);
    expect(it.commands.length).toBeGreaterThan(0);
  });

  test('one that falls silent later is not waited for on every connection', async () => {
    let asked = 0;
    const it = await upload('right');
    it.server.quirks.beforeCheckFile = () => {
      if (++asked === 5) it.server.quirks.checkFile = 'silent';
    };
    const { verified, bytesSent } = await it.run({ ...options, verify: 'hash' });
    expectRight(it);
    expect({ verified, bytesSent }).toEqual({ verified: { ...nothing, byDigest: SIZE }, bytesSent: SIZE });
    expect(told(it)).toEqual([expect.stringMatching(/check-file is not used: .*did not finish/)]);
  });

  test('what was cut off is resumed by the shell where check-file is wrong', async () => {
    // As OpenSSH's own, so that nobody has to find out how many may write.
    const alsoOffers = [ExtensionName.statVfs, ExtensionName.lsetstat];
    const it = await upload('nonsense', {
      software: 'OpenSSH_9.9',
      quirks: { checkFile: 'nonsense', alsoOffers, fullAt: SIZE / 2 },
    });
    const cut = await it.run({ ...options, wanted: 1, verify: 'size' });
    expect(cut.error).toMatchObject({ code: 'no-space' });
    expect(cut.bytesKept).toBeGreaterThan(SIZE / 5);
    it.server.quirks.fullAt = Number.POSITIVE_INFINITY;
    const { verified, bytesSent, bytesResumed } = await it.run({ ...options, verify: 'hash' });
    expectRight(it);
    expect(verified).toEqual({ ...nothing, byDigest: SIZE });
    expect(bytesResumed).toBeGreaterThanOrEqual(cut.bytesKept);
    expect(bytesSent + bytesResumed).toBe(SIZE);
    expect(told(it)).toContainEqual(expect.stringMatching(/check-file is not used: its answers are wrong\.$/));
  });
});

test.each([
  [SHORT, 0],
  [LONG, 1],
])('what is right up to 64 KiB alone serves pieces of %i bytes as long as it is right', async (pieceSize, dropped) => {
  const it = await upload('wrong-above-64k');
  const { verified, bytesSent, error } = await it.run({ pieceSize, wanted: CONNECTIONS });
  expect(error).toBeUndefined();
  expectRight(it);
  expect(bytesSent).toBe(SIZE);
  expect(verified.byDigest + verified.byReadBack).toBe(SIZE);
  // What shows that the server is wrong was read back for it, by each of two that compare.
  expect(verified.byReadBack).toBeLessThanOrEqual(2 * dropped * pieceSize);
  expect(notices(it.events)).toEqual(Array(dropped).fill('digests'));
});

describe('a shell that sees another tree', () => {
  /** What stands there under the same name, from before. */
  const stale = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => byte ^ 0xff));

  test.each<[string, (bytes: Buffer) => Buffer]>([
    ['another file', stale],
    ['an empty one', () => Buffer.alloc(0)],
    ['a shorter one', (bytes) => bytes.subarray(0, 1000)],
    // Right where it is tried, and nowhere else.
    ['one that differs in the middle', (bytes) => differingInTheMiddle(bytes)],
  ])('%s is not taken for what was sent', async (_, seen) => {
    const it = await standInUpload({ size: SIZE, shellSees: (__, bytes) => seen(bytes) });
    const { verified, bytesSent, error } = await it.run({ wanted: CONNECTIONS });
    expect(error).toBeUndefined();
    expectRight(it);
    expect(bytesSent).toBe(SIZE);
    expect(verified.bySize + verified.byReadBack).toBe(SIZE);
    expect(verified.byReadBack).toBeLessThanOrEqual(2 * SHORT);
    expect(notices(it.events)).toEqual(['digests', 'no-digests']);
    expect(told(it)).toContainEqual(expect.stringMatching(/^The server's shell is not used: /));
  });

  test('a file is not verified by it where it must be hashed', async () => {
    const it = await standInUpload({ size: SIZE, shellSees: (_, bytes) => stale(bytes) });
    const { error, bytesSent } = await it.run({ verify: 'hash' });
    expect(error).toMatchObject({ code: 'no-digests', exitCode: 9 });
    expect(bytesSent).toBe(SIZE);
    expect(it.server.read(it.target)).toBeUndefined();
  });
});

function differingInTheMiddle(bytes: Buffer): Buffer {
  const other = Buffer.from(bytes);
  const middle = SIZE / 2;
  if (other.length > middle) other[Math.floor(middle)]! ^= 1;
  return other;
}
