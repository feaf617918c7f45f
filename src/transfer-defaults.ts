/** What a transfer is told where its caller leaves an option out. `--help` prints the same. */
export const TRANSFER_DEFAULTS = {
  connections: 'auto',
  pieceSize: 'auto',
  inFlight: 'auto',
  maxStartups: 8,
  connectIntervalMs: 0,
  verify: 'auto',
  algorithm: 'auto',
  digestProvider: 'auto',
  inplace: false,
  preserve: true,
  resume: true,
  filters: [],
  links: 'follow',
  checksum: false,
  force: false,
  ignoreExisting: false,
  // 15 minutes.
  retryForMs: 900_000,
  dryRun: false,
} as const;
