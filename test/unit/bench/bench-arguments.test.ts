import { describe, expect, it } from 'vitest';
import { chooseRuns } from '../../../bench/support/bench-arguments.ts';

const mtput = { name: 'mtput' };
const scp = { name: 'scp' };
const usual = (item: { name: string }): number => (item === mtput ? 5 : 1);

describe('chooseRuns', () => {
  it('takes everything as often as usual', () => {
    const { chosen, runsOf, complete } = chooseRuns([], [mtput, scp], usual);
    expect(chosen).toEqual([mtput, scp]);
    expect(chosen.map(runsOf)).toEqual([5, 1]);
    expect(complete).toBe(true);
  });

  it('takes a part of it, which is not to be kept', () => {
    const { chosen, complete } = chooseRuns(['--only', 'scp'], [mtput, scp], usual);
    expect(chosen).toEqual([scp]);
    expect(complete).toBe(false);
  });

  it('takes each as often as it is told', () => {
    const { chosen, runsOf } = chooseRuns(['--runs', '2'], [mtput, scp], usual);
    expect(chosen.map(runsOf)).toEqual([2, 2]);
  });

  it.each([
    [['--only', 'rsync'], 'rsync'],
    [['--runs', '0'], 'from 1'],
    [['--runs', 'many'], 'from 1'],
  ])('refuses %j', (args, message) => {
    expect(() => chooseRuns(args, [mtput, scp], usual)).toThrow(message);
  });
});
