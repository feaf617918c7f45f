/** What the end result of a copy is verified by. */

/**
 * `auto`: by digests where the server can compute them, else by size. `hash`: by digests, or the copy fails.
 * `read-back`: by reading everything back from the server. `size`: by the size alone.
 */
export type Verify = 'auto' | 'hash' | 'read-back' | 'size' | 'none';

/** Whether contents are compared, as far as that is possible. */
export function comparesContents(verify: Verify): boolean {
  return verify !== 'size' && verify !== 'none';
}

/** Whether what cannot be verified by its contents is a failure. */
export function demandsContents(verify: Verify): boolean {
  return verify === 'hash' || verify === 'read-back';
}

/** Whether the server is asked for digests, if it can compute them. */
export function usesDigests(verify: Verify): boolean {
  return verify === 'auto' || verify === 'hash';
}
