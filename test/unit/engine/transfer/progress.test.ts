import { expect, test } from 'vitest';
import { Progress } from '../../../../src/engine/transfer/progress.ts';

function progressOf(files: readonly { readonly size: number; readonly isStream?: boolean }[]): Progress {
  const progress = new Progress(0);
  progress.know({
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    streams: files.filter(({ isStream }) => isStream).length,
  });
  return progress;
}

test('nothing is known at first', () => {
  const progress = progressOf([{ size: 100 }, { size: 50 }]);
  expect(progress.sample(0, 0, 0)).toEqual({
    bytesDone: 0,
    bytesResumed: 0,
    bytesTotal: 150,
    filesDone: 0,
    filesTotal: 2,
    bytesPerSecond: 0,
  });
});

test('rate and time left are those of the last five seconds', () => {
  const progress = progressOf([{ size: 100_000 }]);
  for (let second = 1; second <= 10; second++) progress.sample(second * 1000, 0, second * 1000);
  let snapshot = progress.sample(10_000, 0, 10_000);
  expect(snapshot.bytesPerSecond).toBeCloseTo(1000);
  expect(snapshot.etaMs).toBeCloseTo(90_000);
  for (let second = 11; second <= 16; second++)
    snapshot = progress.sample(10_000 + (second - 10) * 5000, 0, second * 1000);
  expect(snapshot.bytesPerSecond).toBeCloseTo(5000);
  expect(snapshot.etaMs).toBeCloseTo(12_000);
});

test('a stop has no time left, rather than one that grows for ever', () => {
  const progress = progressOf([{ size: 1000 }]);
  progress.sample(500, 0, 1000);
  progress.sample(500, 0, 7000);
  const { bytesPerSecond, etaMs } = progress.sample(500, 0, 13_000);
  expect([bytesPerSecond, etaMs]).toEqual([0, undefined]);
});

test('files that are done count with what they had in the end, failed ones no longer', () => {
  const progress = progressOf([{ size: 100 }, { size: 200 }, { size: 300 }]);
  progress.onFileDone(100, 120);
  progress.onFileFailed(200);
  expect(progress.sample(30, 0, 1000)).toMatchObject({ bytesDone: 150, bytesTotal: 420, filesDone: 1, filesTotal: 3 });
  expect([progress.bytesTotal, progress.filesDone]).toEqual([420, 1]);
});

test('a file that is begun anew gives no negative rate', () => {
  const progress = progressOf([{ size: 1000 }]);
  progress.sample(900, 0, 1000);
  const { bytesPerSecond, bytesDone } = progress.sample(0, 0, 20_000);
  expect(bytesDone).toBe(0);
  expect(bytesPerSecond).toBe(0);
});

test('the rate holds over an hour of samples', () => {
  const progress = progressOf([{ size: 1e12 }]);
  let snapshot = progress.sample(0, 0, 0);
  for (let i = 1; i <= 4 * 3600; i++) snapshot = progress.sample(i * 250, 0, i * 250);
  expect(snapshot.bytesPerSecond).toBeCloseTo(1000);
});

test('the time before the first byte does not count', () => {
  const progress = progressOf([{ size: 1000 }]);
  for (let ms = 250; ms <= 4000; ms += 250) expect(progress.sample(0, 0, ms).bytesPerSecond).toBe(0);
  expect(progress.sample(100, 0, 5000)).toMatchObject({ bytesPerSecond: 100, etaMs: 9000 });
});

test('what was resumed is done, and says nothing of the rate', () => {
  const progress = progressOf([{ size: 1000 }]);
  progress.sample(600, 600, 1000);
  const { bytesDone, bytesResumed, bytesPerSecond, etaMs } = progress.sample(700, 600, 2000);
  expect({ bytesDone, bytesResumed, bytesPerSecond, etaMs }).toEqual({
    bytesDone: 700,
    bytesResumed: 600,
    bytesPerSecond: 100,
    etaMs: 3000,
  });
});

test('totals grow by the files that are planned beyond those that were known', () => {
  const progress = progressOf([{ size: 100 }, { size: 0, isStream: true }]);
  progress.onPlanned({ size: 100, isStream: false });
  progress.onPlanned({ size: 0, isStream: true });
  expect(progress.sample(0, 0, 0)).toMatchObject({ bytesTotal: 100, filesTotal: 2, isTotalKnown: false });
  progress.onStreamEnded();
  progress.onPlanned({ size: 50, isStream: false });
  expect(progress.sample(0, 0, 0)).toMatchObject({ bytesTotal: 150, filesTotal: 3 });
  expect(progress.isTotalKnown).toBe(true);
  progress.onPlanned({ size: 0, isStream: true });
  expect(progress.isTotalKnown).toBe(false);
});
