/** Shorter requests consist largely of headers. In bytes. */
export const SHORTEST_REQUEST = 2048;
