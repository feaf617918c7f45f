import { expect, test } from 'vitest';
import { resultOf } from '../../../../src/engine/transfer/result-of.ts';
import { RunTotals } from '../../../../src/engine/transfer/run-totals.ts';
import { CopyError } from '../../../../src/errors.ts';

const failure = new CopyError('no-space', 'It is full.');

test('every figure of the outcome is in the result', () => {
  const totals = new RunTotals();
  totals.onFileFailed(failure);
  totals.kept({ failure, bytesKept: 100, isSeen: true });
  totals.kept({ failure, bytesKept: 30, isSeen: false });
  totals.connectionsOpen(3);
  expect(resultOf({ ...totals.all(500), error: failure, hasEndedRun: false }, false, 12)).toEqual({
    type: 'result',
    exitCode: 4,
    filesDone: 0,
    filesFailed: 1,
    filesSkipped: 0,
    bytesSkipped: 0,
    bytesSent: 500,
    bytesResumed: 0,
    bytesKept: 130,
    bytesKeptUnseen: 30,
    connectionsUsed: 3,
    verified: { byDigest: 0, byReadBack: 0, bySize: 0, notVerified: 0 },
    elapsedMs: 12,
    error: failure.toData(),
  });
});

test.each([
  [undefined, false, true, 0],
  [failure, false, false, 4],
  [failure, false, true, 1],
  [failure, true, true, 4],
])(
  'with error %o that ended the run: %s, several: %s, the exit code is %i',
  (error, hasEndedRun, isSeveral, exitCode) => {
    const result = resultOf({ ...new RunTotals().all(0), error, hasEndedRun }, isSeveral, 0);
    expect(result.exitCode).toBe(exitCode);
    expect(result).not.toHaveProperty('hasEndedRun');
    expect(result).not.toHaveProperty('bytesKeptUnseen');
  },
);
