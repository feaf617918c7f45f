import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LoadSampler, type SampledThread } from '../../../src/workers/load-sampler.ts';
import type { LoadSample } from '../../../src/workers/thread-need.ts';

const SAMPLE_MS = 500;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A thread of which the loop can be made busy or idle for a time. */
class FakeThread implements SampledThread {
  readonly #spent = { active: 0, idle: 0 };

  pass(active: number, idle: number): void {
    this.#spent.active += active;
    this.#spent.idle += idle;
  }

  utilization() {
    return { ...this.#spent, utilization: 0 };
  }
}

function scene(isGrowing: (sample: LoadSample) => boolean = () => false) {
  const others = new Set<FakeThread>();
  const samples: LoadSample[] = [];
  let needed = 0;
  let useful = 1;
  const sampler = new LoadSampler({
    others,
    useful: () => useful++,
    isGrowing: (sample) => {
      samples.push(sample);
      return isGrowing(sample);
    },
    onNeeded: () => needed++,
  });
  const sample = (): LoadSample => {
    vi.advanceTimersByTime(SAMPLE_MS);
    return samples.at(-1)!;
  };
  return { others, samples, sampler, sample, needed: () => needed };
}

test('a thread is as busy as it was since the last sample, and not busy at its first one', () => {
  const { others, sample } = scene();
  expect(sample().busy, 'this thread alone').toEqual([0]);
  const [a, b] = [new FakeThread(), new FakeThread()];
  others.add(a);
  a.pass(1000, 0);
  expect(sample().busy[1]).toBe(0);
  a.pass(300, 100);
  others.add(b);
  expect(sample().busy.slice(1)).toEqual([0.75, 0]);
  a.pass(0, 500);
  b.pass(500, 0);
  expect(sample().busy.slice(1)).toEqual([0, 1]);
  others.delete(a);
  expect(sample().busy.slice(1), 'its loop did not turn').toEqual([0]);
});

test('each sample is judged, with how many threads would have work then', () => {
  const { samples, sample, needed } = scene(({ useful }) => useful === 2);
  sample();
  expect(needed()).toBe(0);
  sample();
  expect(needed()).toBe(1);
  sample();
  expect(needed()).toBe(1);
  expect(samples.map(({ useful }) => useful)).toEqual([1, 2, 3]);
});

test('nothing is sampled after the stop', () => {
  const { samples, sampler, sample } = scene();
  sample();
  sampler.stop();
  sample();
  expect(samples).toHaveLength(1);
});
