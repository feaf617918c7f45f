import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { STREAM_CELL_LENGTH, StreamDigests } from '../../../../../src/engine/upload/stream/stream-digests.ts';

const L = STREAM_CELL_LENGTH;

test.each([
  [0, [0]],
  [1, [1]],
  [L, [L]],
  [L, [L - 1, 1]],
  [2 * L + 5, [3, 2 * L, 2]],
])('%i bytes in parts of %j', (size, parts) => {
  const bytes = randomBytes(size);
  const digests = new StreamDigests('md5');
  let at = 0;
  for (const length of parts) {
    digests.update(bytes.subarray(at, at + length));
    at += length;
  }
  const cells = digests.end();
  expect(cells.map(({ range }) => range.length)).toEqual(
    Array.from({ length: Math.ceil(size / L) }, (_, index) => Math.min(L, size - index * L)),
  );
  for (const { range, digest } of cells) {
    const expected = createHash('md5').update(bytes.subarray(range.offset, range.offset + range.length));
    expect(digest.equals(expected.digest())).toBe(true);
  }
  expect(digests.end(), 'it can be asked again').toEqual(cells);
});
