import { expect, test } from 'vitest';
import { restingPace, withinMs } from '../../../../src/engine/resume/pace.ts';

test('a tenth of the time is worked', async () => {
  const pace = restingPace(new AbortController().signal);
  const begun = performance.now();
  expect(await pace(10)).toBe(true);
  expect(performance.now() - begun).toBeGreaterThan(85);
});

test('or a share that was asked for', async () => {
  const pace = restingPace(new AbortController().signal, 0.5);
  const begun = performance.now();
  expect(await pace(300)).toBe(true);
  expect(performance.now() - begun).toBeGreaterThan(250);
  expect(performance.now() - begun, 'a tenth would take nine times as long as the work').toBeLessThan(2500);
});

test('whoever rests is woken when it ends, and works no more', async () => {
  const ending = new AbortController();
  const pace = restingPace(ending.signal);
  const begun = performance.now();
  const asked = pace(60_000);
  ending.abort();
  expect(await asked).toBe(false);
  expect(performance.now() - begun).toBeLessThan(5000);
  expect(await pace(60_000)).toBe(false);
});

test('until its time is over it goes on without rest', async () => {
  expect(await withinMs(60_000)(1_000_000)).toBe(true);
  expect(await withinMs(0)(1)).toBe(false);
});
