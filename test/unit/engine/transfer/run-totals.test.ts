import { expect, test } from 'vitest';
import { RunTotals } from '../../../../src/engine/transfer/run-totals.ts';
import { CopyError } from '../../../../src/errors.ts';

test('files that are done count by what they were verified by', () => {
  const totals = new RunTotals();
  totals.onFileDone({ bytes: 100, isSizeVerified: true, verified: { byDigest: 60, byReadBack: 10 } }, 20);
  totals.onFileDone({ bytes: 5, isSizeVerified: false, verified: { byDigest: 0, byReadBack: 0 } }, 0);
  expect(totals).toMatchObject({
    filesDone: 2,
    bytesResumed: 20,
    verified: { byDigest: 60, byReadBack: 10, bySize: 30, notVerified: 5 },
  });
});

test('of files that failed, the first failure and what is left is remembered', () => {
  const totals = new RunTotals();
  const [first, second] = [new CopyError('no-space', 'Full.'), new CopyError('integrity', 'Wrong.')];
  totals.onFileFailed(first);
  totals.onFileFailed(second);
  totals.kept({ failure: first, bytesKept: 70, isSeen: true });
  totals.kept({ failure: second, bytesKept: 30, isSeen: false });
  expect(totals).toMatchObject({ filesFailed: 2, firstFailure: first, bytesKept: 100, bytesKeptUnseen: 30 });
});

test('the most connections that were open at one time', () => {
  const totals = new RunTotals();
  for (const open of [1, 3, 2]) totals.connectionsOpen(open);
  expect(totals.connectionsUsed).toBe(3);
  // Some of them were opened in vain.
  totals.connectionsWanted(2);
  expect(totals.connectionsUsed).toBe(2);
});
