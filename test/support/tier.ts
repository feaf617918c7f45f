export type Tier = 'quick' | 'full' | 'soak';

function readTier(): Tier {
  const value = process.env.MT_TEST_TIER ?? 'quick';
  if (value === 'quick' || value === 'full' || value === 'soak') return value;
  throw new Error(`MT_TEST_TIER is ${value}; it may be quick, full or soak`);
}

/** How much is tested: `npm test`, `npm run test:full`, `npm run soak`. */
export const tier: Tier = readTier();

/** Sizes or rows of the same test: the few and small ones for `npm test`, the others for the longer tiers. */
export function byTier<T>(quick: T, full: T): T {
  return tier === 'quick' ? quick : full;
}

/** Tests that `npm test` leaves to the longer tiers: it has another one of their kind. */
export function inLongerTiers(define: () => void): void {
  if (tier !== 'quick') define();
}
