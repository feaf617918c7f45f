import { expect, test } from 'vitest';
import { VerifiedRanges } from '../../../../src/engine/verify/verified-ranges.ts';

test('a piece is verified by the last method that said so, and by no other', () => {
  const verified = new VerifiedRanges();
  verified.add({ offset: 0, length: 20 }, 'check-file');
  verified.add({ offset: 5, length: 5 }, 'read-back');
  expect([...verified.by('check-file')]).toEqual([
    { offset: 0, length: 5 },
    { offset: 10, length: 10 },
  ]);
  expect([...verified.by('read-back')]).toEqual([{ offset: 5, length: 5 }]);
  expect(verified.by('shell').isEmpty).toBe(true);
  expect(verified.has({ offset: 0, length: 20 })).toBe(true);
  expect(verified.all.total).toBe(20);
});

test('what is removed is verified by nothing', () => {
  const verified = new VerifiedRanges();
  verified.add({ offset: 0, length: 20 }, 'check-file');
  verified.remove({ offset: 0, length: 10 });
  expect(verified.has({ offset: 9, length: 1 })).toBe(false);
  expect(verified.by('check-file').total).toBe(10);
});
