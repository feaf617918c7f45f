import { randomBytes } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Counters } from '../../../../../src/engine/runner/counters.ts';
import { SourceStream, type SourceStreamOptions } from '../../../../../src/engine/upload/stream/source-stream.ts';
import { StreamDigests } from '../../../../../src/engine/upload/stream/stream-digests.ts';
import { CopyError } from '../../../../../src/errors.ts';
import { tempDirForTest } from '../../../../support/for-one-test.ts';

async function streamOf(path: string, options: Partial<SourceStreamOptions> = {}) {
  const file = await open(path);
  onTestFinished(() => file.close());
  const counters = new Counters();
  const all = { name: 'it', fd: file.fd, digests: undefined, counters, connection: 1, failure: () => undefined };
  return { counters, stream: new SourceStream({ ...all, ...options }) };
}

async function readAll(stream: SourceStream, maxLength: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let end = 0;
  for (;;) {
    const slice = await stream.take(maxLength);
    if (slice === undefined) return Buffer.concat(parts);
    expect(slice.offset).toBe(end);
    end += slice.length;
    const views = [Buffer.alloc(Math.min(10, slice.length)), Buffer.alloc(Math.max(0, slice.length - 10))];
    await stream.fill(views, slice.offset);
    parts.push(...views);
  }
}

test.each([0, 1, 100_000])('hands out %i bytes in order, and then ends', async (size) => {
  const dir = await tempDirForTest();
  const bytes = randomBytes(size);
  await writeFile(dir.file('f'), bytes);
  const digests = new StreamDigests('sha256');
  const { stream, counters } = await streamOf(dir.file('f'), { digests });
  expect((await readAll(stream, 7000)).equals(bytes)).toBe(true);
  expect(stream.length).toBe(size);
  expect(counters.inFlight(1)).toBe(size);
  expect(digests.end().reduce((sum, { range }) => sum + range.length, 0)).toBe(size);
});

test('what never ends ends by itself, with what to do', async () => {
  const { stream } = await streamOf('/dev/zero', { maxLength: 100_000 });
  await expect(readAll(stream, 7000)).rejects.toMatchObject({
    code: 'source-unsupported',
    exitCode: 3,
    message: 'it has no size, and has not ended after 98 KiB.',
  });
  expect(stream.length).toBeLessThanOrEqual(100_000);
});

test('stops where the run has failed, also while the rate limit holds it back', async () => {
  let failure: CopyError | undefined;
  const { stream, counters } = await streamOf('/dev/zero', { failure: () => failure });
  counters.limit();
  const taken = stream.take(1000);
  failure = new CopyError('cancelled', 'Stop.');
  await expect(taken).rejects.toBe(failure);
  await expect(stream.take(1000)).rejects.toBe(failure);
});

test('what cannot be read is said to be unreadable', async () => {
  const dir = await tempDirForTest();
  const { stream } = await streamOf(dir.path);
  await expect(stream.take(1)).rejects.toMatchObject({
    code: 'source-unreadable',
    message: expect.stringContaining('it cannot be read to its end: EISDIR'),
  });
});
