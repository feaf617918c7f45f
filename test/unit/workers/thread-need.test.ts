import { expect, test } from 'vitest';
import { type LoadSample, ThreadNeed } from '../../../src/workers/thread-need.ts';

const loaded: LoadSample = { busy: [0.95], idleCores: 1.2, useful: 8 };

function answers(need: ThreadNeed, ...samples: LoadSample[]): boolean[] {
  return samples.map((sample) => need.isGrowing(sample));
}

test('a thread is started when three samples in a row call for it, and the next after three more', () => {
  expect(answers(new ThreadNeed(8), ...Array<LoadSample>(6).fill(loaded))).toEqual([
    false,
    false,
    true,
    false,
    false,
    true,
  ]);
});

test.each<[string, Partial<LoadSample>]>([
  ['a loop has rest', { busy: [0.95, 0.5] }],
  ['no core is free', { idleCores: 0.3 }],
  ['each connection has a thread', { busy: [1, 1], useful: 2 }],
  ['each core has a thread', { busy: [1, 1, 1, 1] }],
])('none is started while %s', (_, sample) => {
  const need = new ThreadNeed(4);
  expect(answers(need, ...Array<LoadSample>(5).fill({ ...loaded, ...sample }))).toEqual(Array(5).fill(false));
});

test('a pause in between begins the count anew', () => {
  const idle = { ...loaded, busy: [0.1] };
  expect(answers(new ThreadNeed(8), loaded, loaded, idle, loaded, loaded)).toEqual(Array(5).fill(false));
});
