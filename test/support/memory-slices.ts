import type { Range, Slices } from '../../src/remotes/remote.ts';
import type { MemoryFaults } from './memory-faults.ts';

/**
 * Carries slices, several at a time, until there are none; rejects with the first failure when none is under way.
 * `cross` fails as soon as the connection is gone.
 */
export async function carrySlices(
  { sliceLength, depth }: Pick<MemoryFaults, 'sliceLength' | 'depth'>,
  slices: Slices,
  cross: () => Promise<void>,
  carry: (slice: Range) => Promise<void>,
): Promise<void> {
  const inFlight = new Set<Promise<void>>();
  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
  };
  try {
    while (failure === undefined) {
      await cross();
      if (inFlight.size >= depth) {
        await Promise.race(inFlight);
        continue;
      }
      const slice = await slices.take(sliceLength);
      if (slice === undefined) break;
      const flight = carry(slice)
        .catch(fail)
        .then(() => {
          inFlight.delete(flight);
        });
      inFlight.add(flight);
    }
  } catch (error) {
    fail(error);
  }
  await Promise.all(inFlight);
  if (failure !== undefined) throw failure;
}
