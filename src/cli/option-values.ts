import type { SftpDigestMethod } from '../remotes/sftp/digests/open-digester.ts';
import { DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_STALL_TIMEOUT_MS } from '../remotes/sftp/ssh/ssh-options.ts';
import type { FilterRule, Links } from '../transfer.ts';
import { TRANSFER_DEFAULTS } from '../transfer-defaults.ts';

/** What the options amount to once parsed: sizes in bytes, times in milliseconds. */
export interface OptionValues {
  connections: number | 'auto';
  pieceSize: number | 'auto';
  inFlight: number | 'auto';
  maxStartups: number;
  connectIntervalMs: number;
  limitBytesPerSecond: number | undefined;
  verify: 'auto' | 'hash' | 'read-back' | 'size' | 'none';
  algorithm: 'auto' | 'sha256' | 'sha512' | 'sha1' | 'md5';
  digestProvider: SftpDigestMethod | 'auto' | 'none';
  inplace: boolean;
  preserve: boolean;
  resume: boolean;
  /** Of `--include` and `--exclude`, in the order they were given. */
  filters: readonly FilterRule[];
  /** The name of the file with the list; `-`: standard input. */
  filesFrom: string | undefined;
  links: Links;
  checksum: boolean;
  force: boolean;
  ignoreExisting: boolean;
  dryRun: boolean;
  port: number | undefined;
  identityFiles: readonly string[];
  sshOptions: readonly string[];
  configFile: string | undefined;
  jumps: string | undefined;
  sshProgram: string | undefined;
  allowsMatchExec: boolean;
  ciphers: string | undefined;
  compression: boolean;
  addressFamily: 4 | 6 | undefined;
  pinnedHostKeys: readonly string[];
  batch: boolean;
  installHelper: boolean;
  showSettings: boolean;
  connectTimeoutMs: number;
  stallTimeoutMs: number;
  retryForMs: number;
  quiet: boolean;
  verbose: number;
  json: boolean;
  progress: 'auto' | 'always' | 'never';
  color: 'auto' | 'always' | 'never';
}

/** What holds without any option. */
export function defaultValues(): OptionValues {
  return {
    ...TRANSFER_DEFAULTS,
    filesFrom: undefined,
    limitBytesPerSecond: undefined,
    port: undefined,
    identityFiles: [],
    sshOptions: [],
    configFile: undefined,
    jumps: undefined,
    sshProgram: undefined,
    allowsMatchExec: false,
    ciphers: undefined,
    compression: false,
    addressFamily: undefined,
    pinnedHostKeys: [],
    batch: false,
    installHelper: false,
    showSettings: false,
    connectTimeoutMs: DEFAULT_CONNECT_TIMEOUT_MS,
    stallTimeoutMs: DEFAULT_STALL_TIMEOUT_MS,
    quiet: false,
    verbose: 0,
    json: false,
    progress: 'auto',
    color: 'auto',
  };
}
