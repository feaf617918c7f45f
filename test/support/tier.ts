export type Tier = 'quick' | 'full' | 'soak';

function readTier(): Tier {
  const value = process.env.MT_TEST_TIER ?? 'quick';
  if (value === 'quick' || value === 'full' || value === 'soak') return value;
  throw new Error(`MT_TEST_TIER is ${value}; it may be quick, full or soak`);
}

/** How much is tested: `npm test`, `npm run test:full`, `npm run soak`. */
export const tier: Tier = readTier();

/** One of two sizes of the same test: the small one for `npm test`, the other for the longer tiers. */
export function byTier<T>(quick: T, full: T): T {
  return tier === 'quick' ? quick : full;
}
