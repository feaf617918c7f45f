import { expect, test } from 'vitest';
import { SyncPolicy } from '../../../../src/engine/transfer/sync-policy.ts';

function scene(times: readonly number[]) {
  const givenUp: number[] = [];
  const policy = new SyncPolicy((averageMs) => givenUp.push(averageMs));
  for (const ms of times) policy.onSynced(ms);
  return { policy, givenUp };
}

const times = (count: number, ms: number): number[] => new Array<number>(count).fill(ms);

test.each<[what: string, times: number[], syncs: boolean]>([
  ['no file', [], true],
  ['49 slow files', times(49, 1000), true],
  ['50 slow files', times(50, 5.1), false],
  ['50 files that take as long as is allowed', times(50, 5), true],
  ['many fast files', times(10_000, 1), true],
  ['one very slow one among fast ones', [...times(49, 0), 250], true],
  ['slow files after many fast ones', [...times(1000, 0), ...times(50, 6)], false],
  ['slow files long ago', [...times(40, 6), ...times(1000, 0)], true],
])('after %s', (_, all, syncs) => {
  const { policy, givenUp } = scene(all);
  expect(policy.syncs).toBe(syncs);
  expect(givenUp).toHaveLength(syncs ? 0 : 1);
});

test('it is told once, with the average of fifty files, and never begins again', () => {
  const { policy, givenUp } = scene([...times(50, 8), ...times(1000, 0), ...times(100, 9)]);
  expect(givenUp).toEqual([8]);
  expect(policy.syncs).toBe(false);
});
