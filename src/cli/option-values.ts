import type { SftpDigestMethod } from '../remotes/sftp/digests/digest-methods.ts';

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
  dryRun: boolean;
  port: number | undefined;
  identityFiles: readonly string[];
  sshOptions: readonly string[];
  ciphers: string | undefined;
  addressFamily: 4 | 6 | undefined;
  pinnedHostKeys: readonly string[];
  batch: boolean;
  installHelper: boolean;
  connectTimeoutMs: number;
  stallTimeoutMs: number;
  retryForMs: number;
  quiet: boolean;
  verbose: number;
  json: boolean;
  progress: 'auto' | 'always' | 'never';
  color: 'auto' | 'always' | 'never';
}

/** Before any option is applied; the defaults of the table come on top. */
export function blankValues(): OptionValues {
  return {
    connections: 'auto',
    pieceSize: 'auto',
    inFlight: 'auto',
    maxStartups: 1,
    connectIntervalMs: 0,
    limitBytesPerSecond: undefined,
    verify: 'auto',
    algorithm: 'auto',
    digestProvider: 'auto',
    inplace: false,
    preserve: true,
    resume: true,
    dryRun: false,
    port: undefined,
    identityFiles: [],
    sshOptions: [],
    ciphers: undefined,
    addressFamily: undefined,
    pinnedHostKeys: [],
    batch: false,
    installHelper: false,
    connectTimeoutMs: 0,
    stallTimeoutMs: 0,
    retryForMs: 0,
    quiet: false,
    verbose: 0,
    json: false,
    progress: 'auto',
    color: 'auto',
  };
}
