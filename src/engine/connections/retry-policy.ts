/** How often and how soon things are tried again. */

/** A server that refused one connection this often keeps refusing it. */
export const MAX_REFUSALS: number = 4;

/** How often in a row a connection may be cut while it authenticates, or fail for the protocol, until it is given up. */
export const MAX_BROKEN_HANDSHAKES: number = 5;

const FIRST_REDIAL_MS = 100;
const LONGEST_REDIAL_MS = 30_000;

/** Before a lost connection is dialled again, by the number of failures since it was open: 0.1 s, 1 s, 2 s ... 30 s. */
export function redialDelayMs(failures: number, random: () => number = Math.random): number {
  const delay = failures === 0 ? FIRST_REDIAL_MS : Math.min(LONGEST_REDIAL_MS, 1000 * 2 ** (failures - 1));
  return jittered(delay, random);
}

/** Before a refused connection is tried again, by the number of refusals in a row: 1 s, 2 s, 4 s ... 30 s. */
export function admissionDelayMs(refusals: number, random: () => number = Math.random): number {
  return jittered(Math.min(LONGEST_REDIAL_MS, 1000 * 2 ** (refusals - 1)), random);
}

/** Before one of those that were given up is tried again, by the number of such trials in vain: 1 min, 2 min, 4 min ... */
export function revivalDelayMs(trials: number, random: () => number = Math.random): number {
  return jittered(60_000 * 2 ** Math.min(trials, 10), random);
}

/** Up to a quarter longer, so that many do not come back in one moment. */
function jittered(delayMs: number, random: () => number): number {
  return delayMs * (1 + random() / 4);
}
