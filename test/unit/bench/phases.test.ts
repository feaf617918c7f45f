import { describe, expect, it } from 'vitest';
import { type LineSample, phasesOf } from '../../../bench/support/phases.ts';

const RATE = 1_000_000;
const HANDSHAKE = 4000;

/** A connection that shakes hands at once, sends from `begin` to `end` at full rate, then closes. */
function bytesAt(seconds: number, begin: number, end: number): number {
  const sent = Math.max(0, Math.min(seconds, end) - begin) * RATE;
  return HANDSHAKE + Math.round(sent) + (seconds >= end + 0.2 ? 500 : 0);
}

function samples(...spans: readonly (readonly [number, number])[]): LineSample[] {
  return Array.from({ length: 1001 }, (_, n) => ({
    seconds: n / 100,
    connections: spans.map(([begin, end], index) => ({ index, bytes: bytesAt(n / 100, begin, end) })),
  }));
}

describe('phasesOf', () => {
  it('tells when connections begin and have nothing more to send', () => {
    const phases = phasesOf(samples([1, 8], [2, 7.5]), { bytes: 12_500_000, bytesPerSecond: RATE, end: 9 });
    expect(phases?.firstData).toBeCloseTo(1.02, 1);
    expect(phases?.allSend).toBeCloseTo(2.02, 1);
    expect(phases?.firstIdle).toBeCloseTo(7.5, 1);
    expect(phases?.lastData).toBeCloseTo(8, 1);
    expect(phases?.end).toBe(9);
    expect(phases?.idleWithin).toBeLessThan(0.05);
    expect(phases?.overheadBytes).toBe(2 * (HANDSHAKE + 500));
  });

  it('finds the time in which a line stood idle', () => {
    const phases = phasesOf(samples([1, 8]), { bytes: 7_000_000, bytesPerSecond: 2 * RATE, end: 9 });
    expect(phases?.idleWithin).toBeCloseTo(3.5, 1);
  });

  it('has nothing to say where nothing was sent', () => {
    expect(phasesOf([], { bytes: 1, bytesPerSecond: RATE, end: 1 })).toBeUndefined();
    expect(phasesOf(samples([20, 21]), { bytes: 1, bytesPerSecond: RATE, end: 1 })).toBeUndefined();
  });
});
