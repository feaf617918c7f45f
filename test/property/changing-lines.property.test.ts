/** Whatever a line does, all bytes arrive, little time is lost, and what is in flight is bounded. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LineOptions } from '../support/simulated-line.ts';
import { simulateUpload } from '../support/simulated-upload.ts';
import { byTier } from '../support/tier.ts';

const MAX_WINDOW = 2 * 1024 * 1024;
const SECONDS = 20;
/** With the longest round trip that is still half of what may be in flight. */
const MOST_EACH = 8_000_000;

const lines = fc.record({
  connections: fc.integer({ min: 1, max: 12 }),
  /** Of all together, by which of the two limits. */
  bytesPerSecond: fc.constantFrom(32_000, 300_000, 3_000_000, 30_000_000),
  isShared: fc.boolean(),
  bufferBytes: fc.constantFrom(100_000, 1_000_000, Number.POSITIVE_INFINITY),
  /** How long the path is, one value after another. */
  roundTripsMs: fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 5 }),
  everyMs: fc.integer({ min: 1000, max: 8000 }),
  jitterMs: fc.constantFrom(0, 0, 2, 10),
  apartMs: fc.constantFrom(0, 50, 400),
  seed: fc.nat(),
});

test('all bytes arrive in little more time than the line needs', async () => {
  await fc.assert(
    fc.asyncProperty(lines, async ({ connections, isShared, roundTripsMs, everyMs, ...rest }) => {
      const bytesPerSecond = Math.min(rest.bytesPerSecond, connections * MOST_EACH);
      const { bufferBytes, jitterMs, apartMs, seed } = rest;
      const line: LineOptions = {
        ...(isShared
          ? { sharedBytesPerSecond: bytesPerSecond, bufferBytes }
          : { bytesPerSecond: bytesPerSecond / connections }),
        roundTripMs: (atMs) => roundTripsMs[Math.floor(atMs / everyMs) % roundTripsMs.length]!,
        jitterMs,
      };
      const bytes = bytesPerSecond * SECONDS;
      const { seconds, mostInFlight } = await simulateUpload({ line, connections, bytes, seed, apartMs });
      expect(mostInFlight).toBeLessThanOrEqual(MAX_WINDOW);
      // Beside what is lost when the path changes: connections begin one after another, and the last answers come late.
      const edgesSeconds = (connections * apartMs) / 1000 + 1;
      expect(seconds).toBeLessThan(1.3 * SECONDS + edgesSeconds);
    }),
    { numRuns: byTier(12, 500) },
  );
});
