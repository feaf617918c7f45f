import { expect, test } from 'vitest';
import { JobPatience } from '../../../../src/engine/transfer/job-patience.ts';

test('a job that comes further each time is never given up', () => {
  const patience = new JobPatience(1000);
  for (let attempt = 1; attempt <= 10; attempt++) {
    patience.onAcknowledged(attempt);
    expect(patience.hasEnded(attempt * 900)).toBe(false);
  }
});

test('a job that always fails at the same place is given up after the time to retry', () => {
  const patience = new JobPatience(1000);
  patience.onAcknowledged(100);
  expect(patience.hasEnded(0)).toBe(false);
  // The attempt begins again, and sends the same bytes once more.
  for (const bytes of [10, 50, 100]) patience.onAcknowledged(bytes);
  expect(patience.hasEnded(999)).toBe(false);
  for (const bytes of [10, 50, 100]) patience.onAcknowledged(bytes);
  expect(patience.hasEnded(1000)).toBe(true);
});

test('the time to retry begins anew with the first byte beyond that place', () => {
  const patience = new JobPatience(1000);
  patience.onAcknowledged(100);
  patience.hasEnded(0);
  patience.onAcknowledged(101);
  expect(patience.hasEnded(5000)).toBe(false);
  expect(patience.hasEnded(5999)).toBe(false);
  expect(patience.hasEnded(6000)).toBe(true);
});
