/** Bytes in a millisecond that even a slow server hashes, copies or brings to its disk. */
export const SLOWEST_BYTES_PER_MS = 5000;
