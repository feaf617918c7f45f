/** How to reach and to trust a server: what the command line says, as plain data. */

export const DEFAULT_CONNECT_TIMEOUT_MS: number = 15_000;
export const DEFAULT_STALL_TIMEOUT_MS: number = 30_000;

/** As the user gave it; unknown `-o` keywords and bad values are usage errors when it is resolved. */
export interface SshInput {
  /** As typed; never begins with `-`. */
  readonly host: string;
  /** From the location or `-o User`; default: the local user. */
  readonly user?: string;
  /** From `-P` or a location. */
  readonly port?: number;
  /** `-i`, in order. */
  readonly identityFiles?: readonly string[];
  /** `-o`, in order; `Keyword=value` or `Keyword value`. */
  readonly options?: readonly string[];
  /** `-c`, a comma list. */
  readonly ciphers?: string;
  /** `-4`, `-6`. */
  readonly addressFamily?: 4 | 6;
  /** `-B`: never ask. */
  readonly batch?: boolean;
  /** `--pin-host-key SHA256:...`: this key and no other; several may be right. */
  readonly pinnedHostKeys?: readonly string[];
  /** When a handshake is given up. Default: 15 s. */
  readonly connectTimeoutMs?: number;
  /** When a silent connection is given up. Default: 30 s. */
  readonly stallTimeoutMs?: number;
}
