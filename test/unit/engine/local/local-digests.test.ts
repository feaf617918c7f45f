import { createHash } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { LocalDigests } from '../../../../src/engine/local/local-digests.ts';
import { fillFrom } from '../../../../src/engine/runner/descriptor-fill.ts';
import type { Range } from '../../../../src/remotes/remote.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';
import { contents } from '../../../support/upload-scene.ts';

const PIECE = 3 * 1024 * 1024;

async function digestsOf(bytes: Buffer) {
  const path = (await tempDirForTest()).file('source');
  await writeFile(path, bytes);
  const file = await open(path, 'r');
  onTestFinished(() => file.close());
  return new LocalDigests(fillFrom(file.fd));
}

test('many ranges that are asked for at once are right, and a few are read at a time', async () => {
  const bytes = contents(16 * PIECE, 5);
  const local = await digestsOf(bytes);
  const before = process.memoryUsage().arrayBuffers;
  const digests = Array.from({ length: 16 }, async (_, index) => {
    const digest = await local.digestOnce({ offset: index * PIECE, length: PIECE }, 'sha256');
    return digest.toString('hex');
  });
  // Each of them has two buffers of a MiB while it is read.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThanOrEqual(4 * 1024 * 1024);
  expect(await Promise.all(digests)).toEqual(
    Array.from({ length: 16 }, (_, index) =>
      createHash('sha256')
        .update(bytes.subarray(index * PIECE, (index + 1) * PIECE))
        .digest('hex'),
    ),
  );
});

test('a range that cannot be read does not keep its place', async () => {
  const local = await digestsOf(contents(PIECE, 6));
  const beyond = Array.from({ length: 5 }, (_, index) =>
    local.digestOnce({ offset: (index + 1) * PIECE, length: PIECE }, 'sha256'),
  );
  for (const result of await Promise.allSettled(beyond)) expect(result.status).toBe('rejected');
  await expect(local.digest({ offset: 0, length: PIECE }, 'sha256')).resolves.toHaveLength(32);
});

test('a digest holds until its range is written again', async () => {
  const bytes = contents(2 * PIECE, 7);
  const path = (await tempDirForTest()).file('partial');
  await writeFile(path, bytes);
  const file = await open(path, 'r+');
  onTestFinished(() => file.close());
  const local = new LocalDigests(fillFrom(file.fd));
  const [first, second] = [0, PIECE].map((offset) => ({ offset, length: PIECE }));
  const digest = async (range: Range): Promise<string> => (await local.digest(range, 'sha256')).toString('hex');
  local.learn(first!, 'sha256', Buffer.alloc(32, 1));
  local.learn(second!, 'sha256', Buffer.alloc(32, 2));
  expect(await digest(first!)).toBe('01'.repeat(32));
  local.forget({ offset: PIECE - 1, length: 1 });
  expect(await digest(first!)).toBe(createHash('sha256').update(bytes.subarray(0, PIECE)).digest('hex'));
  expect(await digest(second!)).toBe('02'.repeat(32));
  local.forget({ offset: 0, length: 1 });
  await file.write(Buffer.of(bytes[0]! ^ 1), 0, 1, 0);
  bytes[0]! ^= 1;
  expect(await digest(first!)).toBe(createHash('sha256').update(bytes.subarray(0, PIECE)).digest('hex'));
});

test('what shares bytes with a range is forgotten, wherever it is in a huge file, and nothing else', async () => {
  const local = new LocalDigests(() => Promise.reject(new Error('It would be read.')));
  const length = 1024 ** 3;
  const ranges = Array.from({ length: 4 }, (_, index) => ({ offset: index * length, length }));
  for (const range of ranges) local.learn(range, 'sha256', Buffer.alloc(32, 1));
  local.forget({ offset: 2 * length - 1, length: 2 });
  const results = await Promise.allSettled(ranges.map((range) => local.digest(range, 'sha256')));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
});
