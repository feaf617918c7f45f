/** How often connections are tried again, and after which pauses. */

/** After so many refusals in a row, a connection is given up. */
export const MAX_REFUSALS: number = 4;

/**
 * After so many failures in a row during authentication, or by a violation of the protocol, a connection is given up.
 */
export const MAX_BROKEN_HANDSHAKES: number = 5;

const FIRST_REDIAL_MS = 100;
const LONGEST_REDIAL_MS = 30_000;

/** The pause before a lost connection is dialled again, by the failures since it was open: 0.1 s, 1 s, 2 s ... 30 s. */
export function redialDelayMs(failures: number, random: () => number = Math.random): number {
  const delay = failures === 0 ? FIRST_REDIAL_MS : Math.min(LONGEST_REDIAL_MS, 1000 * 2 ** (failures - 1));
  return jittered(delay, random);
}

/**
 * The pause before a refused connection is dialled again, by the refusals in a row (at least 1): 1 s, 2 s, 4 s ... 30
 * s.
 */
export function admissionDelayMs(refusals: number, random: () => number = Math.random): number {
  return jittered(Math.min(LONGEST_REDIAL_MS, 1000 * 2 ** (refusals - 1)), random);
}

/** The pause before a connection that was given up is tried again, by the trials in vain: 1 min, 2 min, 4 min ... */
export function revivalDelayMs(trials: number, random: () => number = Math.random): number {
  return jittered(60_000 * 2 ** Math.min(trials, 10), random);
}

/** Adds up to a quarter at random, so that many clients do not come back at the same time. */
function jittered(delayMs: number, random: () => number): number {
  return delayMs * (1 + random() / 4);
}
