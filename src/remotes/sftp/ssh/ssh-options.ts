/** The options of SSH on the command line, as plain data. */

export const DEFAULT_CONNECT_TIMEOUT_MS: number = 15_000;
export const DEFAULT_STALL_TIMEOUT_MS: number = 30_000;

/** The options as the user gave them. They are checked when they are resolved. */
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
  /** `-F`: read instead of the usual files of ssh; `none`: no file is read. */
  readonly configFile?: string;
  /** `--allow-match-exec`: the commands of `Match exec` in the files of ssh may be run. Default: false. */
  readonly allowsMatchExec?: boolean;
  /** `-J`: hosts on the way, the nearest one first, with commas. */
  readonly jumps?: string;
  /** `--ssh`, `--ssh-command`: the program that makes the connections, and its first arguments, with quotes as in ssh. */
  readonly program?: string;
  /** `-c`, a comma list. */
  readonly ciphers?: string;
  /** `-C`: both sides compress what they send. */
  readonly compression?: boolean;
  /** `-4`, `-6`. */
  readonly addressFamily?: 4 | 6;
  /** `-B`: the user is never asked. */
  readonly batch?: boolean;
  /** A number of connections is asked for, so that the user may be asked for each of them. Default: false. */
  readonly asksForEach?: boolean;
  /** `--pin-host-key SHA256:...`: only these keys are accepted. */
  readonly pinnedHostKeys?: readonly string[];
  /** How long a handshake may take. Default: 15,000. */
  readonly connectTimeoutMs?: number;
  /** How long a connection may be silent. Default: 30,000. */
  readonly stallTimeoutMs?: number;
}
