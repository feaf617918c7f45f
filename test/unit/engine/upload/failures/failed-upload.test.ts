/** What a run that failed says and leaves, through the whole engine, on a server that refuses on demand. */
import { expect, test } from 'vitest';
import { ExtensionName } from '../../../../../src/remotes/sftp/codec/constants.ts';
import { textFromBytes } from '../../../../../src/util/bytes-text.ts';
import type { Quirks } from '../../../../support/stand-in-sftp-server.ts';
import { type StandInUpload, standInUpload } from '../../../../support/stand-in-upload.ts';
import { notices } from '../../../../support/upload-scene.ts';

const KIB = 1024;
const SIZE = 640 * KIB;
const OLD = 'the only copy '.repeat(20_000);

async function scene(quirks: Partial<Quirks>, old?: string): Promise<StandInUpload> {
  const alsoOffers = [ExtensionName.lsetstat];
  const it = await standInUpload({ size: SIZE, quirks: { alsoOffers, ...quirks }, software: 'OpenSSH_9.9' });
  if (old !== undefined) it.server.put(it.target, old);
  return it;
}

const partialsOf = ({ server }: StandInUpload): string[] => server.paths.filter((path) => path.endsWith('.mtpart'));
const room = { freeBytes: 2 ** 40, fullText: 'Failure' };

test.each<[string, Partial<Quirks>, RegExp, RegExp]>([
  [
    'a quota',
    { ...room, quotaBytes: OLD.length + 300 * KIB },
    /no file there takes more bytes, though its file system has 1\.0 TiB available, so a quota may be used up; .*mtpart occupies about \d+ KiB/,
    /larger quota/,
  ],
  [
    'a limit of the size of a file',
    { ...room, fullAt: 300 * KIB },
    /the size of one file may be limited; .*mtpart occupies about \d+ KiB/,
    /^Ask how large a file may be there: this one has 640 KiB\.$/,
  ],
])('%s: is named, with the partial, and --inplace is not advised', async (_name, quirks, says, advises) => {
  for (const old of [undefined, OLD]) {
    const it = await scene(quirks, old);
    const { error } = await it.run();
    expect(error).toMatchObject({ exitCode: 4 });
    expect(error!.message).toMatch(says);
    expect(error!.message).toContain(partialsOf(it)[0]!);
    expect(error!.advice).toMatch(advises);
    expect(`${error!.message} ${error!.advice}`).not.toMatch(/Failure|--inplace/);
    expect(it.server.read(it.target)?.toString()).toBe(old);
    expect(partialsOf(it)).toHaveLength(1);
    expect(it.server.paths.some((path) => path.includes('mttrial'))).toBe(false);
  }
});

test('a file that no other run would know is not left', async () => {
  const it = await scene({ ...room, fullAt: 300 * KIB }, OLD);
  const { error } = await it.run({ pieceSize: 1024 * KIB });
  expect(error!.message).toMatch(/the partial file \S+mtpart, which occupied about \d+ KiB, was removed\.$/);
  expect(it.server.paths.filter((path) => it.server.disk.get(path)!.kind === 'file')).toEqual([it.target]);
});

test('--inplace says what became of the old file', async () => {
  const it = await scene({ ...room, quotaBytes: OLD.length + 300 * KIB }, OLD);
  const { error } = await it.run({ inplace: true });
  expect(error!.message).toMatch(/a quota may be used up\)?\.$/);
  const says = /\/f now has a part of the new file \(\d+ KiB of 640 KiB\), and its old content is lost\.$/;
  const message: unknown = expect.stringMatching(says);
  expect(it.events).toContainEqual(expect.objectContaining({ code: 'target-overwritten', message }));
  expect(error!.advice).not.toContain('--inplace');
});

test('--inplace leaves the old file alone where there is too little room', async () => {
  const it = await scene({ freeBytes: 100 * KIB }, OLD);
  const { error } = await it.run({ inplace: true });
  expect(error).toMatchObject({ code: 'no-space', exitCode: 4 });
  expect(error!.message).toMatch(/needs 367 KiB more than the old .*\/f, and 100 KiB are available\.$/);
  expect(error!.advice).toBe('Make room on the server for 267 KiB more; the old file was not touched.');
  expect(it.server.read(it.target)?.toString()).toBe(OLD);
});

test.each([
  ['no old file', undefined, []],
  ['a small old file', OLD, ['room-unknown']],
  ['a large old file', 'o'.repeat(SIZE), []],
])('--inplace says where the room cannot be known and matters: %s', async (_name, old, expected) => {
  const it = await scene({}, old);
  expect((await it.run({ inplace: true })).error).toBeUndefined();
  expect(notices(it.events).filter((code) => code === 'room-unknown')).toEqual(expected);
  expect(it.server.read(it.target)?.equals(it.source)).toBe(true);
});

test('--inplace removes the partial that an earlier run left, and says so', async () => {
  const it = await scene({ ...room, fullAt: 300 * KIB }, OLD);
  await it.run();
  const [partial] = partialsOf(it);
  it.server.quirks.fullAt = Number.POSITIVE_INFINITY;
  const other = `${partial}.other`;
  it.server.put(other, 'not ours');
  expect((await it.run({ inplace: true })).error).toBeUndefined();
  expect(notices(it.events)).toContain('partial-removed');
  const told = it.events.find((event) => event.type === 'notice' && event.code === 'partial-removed');
  expect(told).toMatchObject({ message: expect.stringContaining(textFromBytes(Buffer.from(partial!))) });
  expect(partialsOf(it)).toEqual([]);
  expect(it.server.read(other)?.toString()).toBe('not ours');
});

test.each<[string, (it: StandInUpload, partial: string) => void, 'all' | 'some' | 'none']>([
  ['as it was', () => {}, 'all'],
  ['gone', (it, partial) => it.server.disk.delete(partial), 'none'],
  [
    'cut short',
    (it, partial) => {
      const file = it.server.disk.get(partial)!;
      file.bytes = file.bytes.subarray(0, 70 * KIB);
    },
    'some',
  ],
])('what is said to be kept, where the partial is %s at the end', async (_name, change, kept) => {
  const it = await scene({ ...room, fullAt: 400 * KIB });
  // When it is closed, after the last byte and before it is looked at.
  it.server.quirks.beforeClose = (path) => path.endsWith('.mtpart') && change(it, path);
  const { error, bytesKept, bytesKeptUnseen } = await it.run({ verify: 'size' });
  expect(error).toMatchObject({ exitCode: 4 });
  expect(bytesKeptUnseen).toBeUndefined();
  const there = partialsOf(it).reduce((sum, path) => sum + it.server.read(path)!.length, 0);
  expect(bytesKept).toBeLessThanOrEqual(there);
  if (kept === 'none') expect(bytesKept).toBe(0);
  else if (kept === 'some') expect(bytesKept).toBeLessThanOrEqual(70 * KIB);
  else expect(bytesKept).toBeGreaterThan(100 * KIB);
});
