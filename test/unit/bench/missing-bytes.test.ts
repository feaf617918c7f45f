import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { missingBytes } from '../../../bench/support/missing-bytes.ts';
import { tempDirForTest } from '../../support/for-one-test.ts';

const CELL = 64 * 1024;

describe('missingBytes', () => {
  const whole = randomBytes(4 * CELL + 100);
  const holed = Buffer.from(whole).fill(0, CELL + 5, CELL + 9);

  it.each([
    ['nothing', whole, 0],
    ['a cell of which some bytes differ', holed, CELL],
    ['what follows an early end', whole.subarray(0, 2 * CELL + 1), 2 * CELL + 100],
    ['all', Buffer.alloc(0), whole.length],
  ])('counts %s', async (_, part, expected) => {
    const dir = await tempDirForTest();
    await writeFile(dir.file('whole'), whole);
    await writeFile(dir.file('part'), part);
    expect(await missingBytes(dir.file('whole'), dir.file('part'))).toBe(expected);
  });
});
