/** The one table of options: the command line, the environment and `--help` are made from it. */
import { DIGEST_METHODS } from '../remotes/sftp/digests/open-digester.ts';
import type { FilterRule } from '../transfer.ts';
import { defaultValues, type OptionValues } from './option-values.ts';
import { durationText, parseDuration } from './parse-duration.ts';
import { parseChoice, parseNumber } from './parse-number.ts';
import { parseRate } from './parse-rate.ts';
import { parsePieceSize } from './parse-size.ts';
import type { ProgramName } from './program-name.ts';
import { usageError } from './usage-error.ts';

export interface OptionRow {
  /** With dashes, or null: the first of these names is the one messages and `--help` use. */
  readonly long: string | null;
  readonly short: string | null;
  /** Other names for the same, with dashes. */
  readonly aliases: readonly string[];
  /** What the argument is called; null: the option takes none. */
  readonly argument: string | null;
  /** What holds without the option, as one would type it. Null: the option is off, or has no value. */
  readonly default: string | null;
  /** The variable that sets it. Null for what weakens host keys, runs commands or does nothing. */
  readonly environment: string | null;
  readonly group: 'Copying' | 'Connections' | 'SSH' | 'Output';
  /** One line for `--help`. */
  readonly help: string;
  /**
   * What the option changes, given its argument (empty without one), the name it was given by, and what is set so
   * far. Throws a usage error that names the option.
   */
  readonly apply: (text: string, name: string, values: OptionValues) => Partial<OptionValues>;
  /** Whether giving it again adds to the first instead of replacing it. */
  readonly repeats: boolean;
  /** The programs that have it. */
  readonly programs: readonly ProgramName[];
}

const DEFAULTS = defaultValues();
const BOTH: readonly ProgramName[] = ['mtput', 'mtget'];
const always = ['auto', 'always', 'never'] as const;

function row(
  group: OptionRow['group'],
  names: string,
  argument: string | null,
  standard: string | null,
  environment: string | null,
  help: string,
  apply: OptionRow['apply'],
  repeats = false,
  programs: readonly ProgramName[] = BOTH,
): OptionRow {
  const all = names.split(' ');
  const long = all.find((name) => name.startsWith('--')) ?? null;
  const short = all.find((name) => !name.startsWith('--')) ?? null;
  const aliases = all.filter((name) => name !== long && name !== short);
  return { long, short, aliases, argument, default: standard, environment, group, help, apply, repeats, programs };
}

function count(text: string, name: string, what: string): number | 'auto' {
  if (text === 'auto') return 'auto';
  if (/^\d+$/.test(text)) return parseNumber(text, name, what, 1, 1024);
  throw usageError(
    `${name} takes ${what}, not '${text}'`,
    'Use auto or a whole number from 1 to 1024; sources need no option.',
  );
}

function filled(text: string, name: string): string {
  if (text === '') throw usageError(`${name} takes a value, not nothing`);
  return text;
}

function filter(action: FilterRule['action']): OptionRow['apply'] {
  return (text, name, { filters }) => ({ filters: [...filters, { action, pattern: filled(text, name) }] });
}

function pin(text: string, name: string): string {
  if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(text)) return text;
  throw usageError(
    `${name} takes a fingerprint, not '${text}'`,
    'Write SHA256: and 43 characters, as ssh-keygen -lf prints it.',
  );
}

/** In the order of `--help`. `-h` and `-V` are the parser's own. */
export const optionRows: readonly OptionRow[] = [
  row(
    'Copying',
    '-s --piece-size --chunk-size',
    'SIZE',
    `${DEFAULTS.pieceSize}`,
    'MT_COPY_PIECE_SIZE',
    'length of a piece, a power of two from 64K',
    (text, name) => ({ pieceSize: text === 'auto' ? 'auto' : parsePieceSize(text, name) }),
  ),
  row(
    'Copying',
    '--verify',
    'HOW',
    `${DEFAULTS.verify}`,
    'MT_COPY_VERIFY',
    'auto: each piece is hashed on the server if it can, else size; hash: or not at all; read-back; size; none',
    (text, name) => ({ verify: parseChoice(text, name, ['auto', 'hash', 'read-back', 'size', 'none']) }),
  ),
  row(
    'Copying',
    '-a --algo',
    'ALGO',
    `${DEFAULTS.algorithm}`,
    'MT_COPY_ALGO',
    'hash to verify with: sha256, sha512, sha1 or md5',
    (text, name) => ({ algorithm: parseChoice(text, name, ['auto', 'sha256', 'sha512', 'sha1', 'md5']) }),
  ),
  row(
    'Copying',
    '--digest-provider',
    'WHO',
    `${DEFAULTS.digestProvider}`,
    'MT_COPY_DIGEST_PROVIDER',
    `who hashes on the server: ${DIGEST_METHODS.join(', ')}, or none`,
    (text, name) => ({ digestProvider: parseChoice(text, name, ['auto', ...DIGEST_METHODS, 'none']) }),
  ),
  row(
    'Copying',
    '--inplace',
    null,
    null,
    'MT_COPY_INPLACE',
    'write the target itself, not a partial file beside it',
    () => ({ inplace: true }),
  ),
  row('Copying', '--no-resume', null, null, 'MT_COPY_NO_RESUME', 'start over, whatever an earlier run left', () => ({
    resume: false,
  })),
  row('Copying', '--no-preserve', null, null, 'MT_COPY_NO_PRESERVE', 'leave mode bits and times to the server', () => ({
    preserve: false,
  })),
  row('Copying', '-p', null, null, null, 'changes nothing: mode bits and times are preserved without it', () => ({})),
  row('Copying', '-r', null, null, null, 'changes nothing: directories are copied without it', () => ({})),
  row(
    'Copying',
    '--include',
    'GLOB',
    null,
    null,
    'copy what it matches; of all --include and --exclude, the first match wins; may be repeated',
    filter('include'),
    true,
  ),
  row(
    'Copying',
    '--exclude',
    'GLOB',
    null,
    null,
    'leave out what it matches: leading / the root of the source, trailing / directories; may be repeated',
    filter('exclude'),
    true,
  ),
  row(
    'Copying',
    '--files-from',
    'FILE',
    null,
    null,
    'copy the paths listed there, relative to the one source; - is standard input',
    (text, name) => ({ filesFrom: filled(text, name) }),
  ),
  row(
    'Copying',
    '--links',
    'HOW',
    DEFAULTS.links,
    'MT_COPY_LINKS',
    'symbolic links inside directories: follow, copy or skip',
    (text, name) => ({ links: parseChoice(text, name, ['follow', 'copy', 'skip']) }),
  ),
  row(
    'Copying',
    '--checksum',
    null,
    null,
    'MT_COPY_CHECKSUM',
    'compare existing files by their contents, not by size and time',
    () => ({ checksum: true }),
  ),
  row('Copying', '--force', null, null, 'MT_COPY_FORCE', 'copy files that are up to date, too', () => ({
    force: true,
  })),
  row(
    'Copying',
    '--ignore-existing',
    null,
    null,
    'MT_COPY_IGNORE_EXISTING',
    'leave files alone that exist at the destination',
    () => ({ ignoreExisting: true }),
  ),
  row(
    'Copying',
    '--limit',
    'RATE',
    null,
    'MT_COPY_LIMIT',
    'over all connections, as in 10M (10 MiB/s); none: no limit',
    (text, name) => ({ limitBytesPerSecond: text === 'none' ? undefined : parseRate(text, name) }),
  ),
  row('Copying', '--dry-run', null, null, 'MT_COPY_DRY_RUN', 'list what would be copied; write nothing', () => ({
    dryRun: true,
  })),

  row(
    'Connections',
    '-n --connections -t --threads',
    'N',
    `${DEFAULTS.connections}`,
    'MT_COPY_CONNECTIONS',
    'at most this many; auto: by what there is to send',
    (text, name) => ({ connections: count(text, name, 'a number of connections') }),
  ),
  row(
    'Connections',
    '--in-flight',
    'N',
    `${DEFAULTS.inFlight}`,
    'MT_COPY_IN_FLIGHT',
    'requests in flight on a connection',
    (text, name) => ({ inFlight: count(text, name, 'a number of requests') }),
  ),
  row(
    'Connections',
    '-u --max-startups',
    'N',
    `${DEFAULTS.maxStartups}`,
    'MT_COPY_MAX_STARTUPS',
    'handshakes under way at once',
    (text, name) => ({ maxStartups: parseNumber(text, name, 'a number of handshakes', 1, 1024) }),
  ),
  row(
    'Connections',
    '-I --connect-interval -d --start-delay',
    'SEC',
    durationText(DEFAULTS.connectIntervalMs),
    'MT_COPY_CONNECT_INTERVAL',
    'pause between attempts to connect',
    (text, name) => ({ connectIntervalMs: parseDuration(text, name, 0) }),
  ),
  row(
    'Connections',
    '--connect-timeout',
    'TIME',
    durationText(DEFAULTS.connectTimeoutMs),
    'MT_COPY_CONNECT_TIMEOUT',
    'when a handshake is given up',
    (text, name) => ({ connectTimeoutMs: parseDuration(text, name, 1) }),
  ),
  row(
    'Connections',
    '--stall-timeout',
    'TIME',
    durationText(DEFAULTS.stallTimeoutMs),
    'MT_COPY_STALL_TIMEOUT',
    'when a silent connection is given up',
    (text, name) => ({ stallTimeoutMs: parseDuration(text, name, 1) }),
  ),
  row(
    'Connections',
    '--retry-for',
    'TIME',
    durationText(DEFAULTS.retryForMs),
    'MT_COPY_RETRY_FOR',
    'when a run without any connection is given up',
    (text, name) => ({ retryForMs: parseDuration(text, name, 0) }),
  ),

  row('SSH', '-P', 'PORT', null, 'MT_COPY_PORT', 'port of the server', (text, name) => ({
    port: parseNumber(text, name, 'a port', 1, 65_535),
  })),
  row(
    'SSH',
    '-i',
    'FILE',
    null,
    null,
    'private key; may be repeated',
    (text, name, { identityFiles }) => ({ identityFiles: [...identityFiles, filled(text, name)] }),
    true,
  ),
  row(
    'SSH',
    '-o',
    'KEY=VALUE',
    null,
    null,
    'an option of ssh_config; may be repeated',
    (text, name, { sshOptions }) => ({ sshOptions: [...sshOptions, filled(text, name)] }),
    true,
  ),
  row(
    'SSH',
    '-F',
    'FILE',
    null,
    null,
    "read instead of ssh's own configuration files; none: read no file",
    (text, name) => ({ configFile: filled(text, name) }),
  ),
  row(
    'SSH',
    '-J',
    'HOSTS',
    null,
    null,
    'hosts on the way, nearest first, with commas; each connection has its own',
    (text, name) => ({ jumps: filled(text, name) }),
  ),
  row(
    'SSH',
    '--allow-match-exec',
    null,
    null,
    null,
    "run the commands of Match exec in ssh's files, whose lines are left out otherwise",
    () => ({ allowsMatchExec: true }),
  ),
  row('SSH', '--ssh', null, null, 'MT_COPY_SSH', "the system's ssh makes the connections", (_text, _name, values) => ({
    sshProgram: values.sshProgram ?? 'ssh',
  })),
  row(
    'SSH',
    '--ssh-command',
    'COMMAND',
    null,
    null,
    'the same with this program instead, and the arguments that come first',
    (text, name) => ({ sshProgram: filled(text, name) }),
  ),
  row('SSH', '-G', null, null, null, 'print the settings for a server, as ssh -G does, and copy nothing', () => ({
    showSettings: true,
  })),
  row('SSH', '-c', 'CIPHERS', null, null, 'ciphers, best first, with commas', (text, name) => ({
    ciphers: filled(text, name),
  })),
  row('SSH', '-C', null, null, 'MT_COPY_COMPRESSION', 'compress what is sent, which only slow lines gain from', () => ({
    compression: true,
  })),
  row('SSH', '-4', null, null, 'MT_COPY_IPV4', 'IPv4 only', () => ({ addressFamily: 4 })),
  row('SSH', '-6', null, null, 'MT_COPY_IPV6', 'IPv6 only', () => ({ addressFamily: 6 })),
  row('SSH', '-B --batch', null, null, 'MT_COPY_BATCH', 'never ask', () => ({ batch: true })),
  row(
    'SSH',
    '--pin-host-key',
    'SHA256:...',
    null,
    null,
    'accept this host key and no other; may be repeated',
    (text, name, { pinnedHostKeys }) => ({ pinnedHostKeys: [...pinnedHostKeys, pin(text, name)] }),
    true,
  ),
  row(
    'SSH',
    '--install-helper',
    null,
    null,
    null,
    'put mt-copy-tools-cs into ~/.local/bin of the server named instead of sources, after asking',
    () => ({ installHelper: true }),
    false,
    ['mtput'],
  ),

  row('Output', '-q --quiet', null, null, 'MT_COPY_QUIET', 'errors only', () => ({ quiet: true })),
  row(
    'Output',
    '-v --verbose',
    null,
    null,
    'MT_COPY_VERBOSE',
    'tell of connections; -vv: details',
    (_text, _name, { verbose }) => ({ verbose: Math.min(2, verbose + 1) }),
    true,
  ),
  row('Output', '--json', null, null, 'MT_COPY_JSON', 'events on stdout, one JSON object a line', () => ({
    json: true,
  })),
  row('Output', '--progress', 'WHEN', DEFAULTS.progress, 'MT_COPY_PROGRESS', 'auto, always or never', (text, name) => ({
    progress: parseChoice(text, name, always),
  })),
  row('Output', '--color', 'WHEN', DEFAULTS.color, 'MT_COPY_COLOR', 'auto, always or never', (text, name) => ({
    color: parseChoice(text, name, always),
  })),
];

/** Every name of an option, the one for messages first. */
export function namesOf(option: OptionRow): string[] {
  return [option.long, option.short, ...option.aliases].filter((name) => name !== null);
}
