import { expect, test } from 'vitest';
import { describeOverwritten } from '../../../../src/engine/transfer/target-state.ts';

const MIB = 1024 * 1024;
const path = Buffer.from('/d/x');

test.each([
  [0, 8 * MIB, true, '/d/x may have been overwritten in part.'],
  [5 * MIB, 8 * MIB, true, '/d/x now has a part of the new file (5.0 MiB of 8.0 MiB), and its old content is lost.'],
  [5 * MIB, 8 * MIB, false, '/d/x now has a part of the new file (5.0 MiB of 8.0 MiB).'],
  [5 * MIB, undefined, false, '/d/x now has a part of the new file (5.0 MiB).'],
  [8 * MIB, 8 * MIB, true, '/d/x was written to its end but is not known to be right, and its old content is lost.'],
])('%i bytes of %s, old content: %s', (bytesThere, size, hadContent, says) => {
  expect(describeOverwritten({ path, bytesThere, size, hadContent })).toBe(says);
});
