/** From the words of a command line to what the transfer and the display are told. */

import { DEFAULT_CONNECT_TIMEOUT_MS } from '../remotes/sftp/ssh/ssh-options.ts';
import type { CopyOptions, GetOptions, PutOptions } from '../transfer.ts';
import { bytesFromText } from '../util/bytes-text.ts';
import { type CommandLine, readCommandLine } from './command.ts';
import { settleContradictions } from './contradictions.ts';
import { applyEnvironment, type Environment } from './environment.ts';
import { noServerError, noServerInSource, portHint } from './hints.ts';
import { parseLocation, type RemoteLocation } from './location.ts';
import { defaultValues, type OptionValues } from './option-values.ts';
import type { OptionRow } from './options.ts';
import { OPERANDS, type ProgramName } from './program-name.ts';
import { usageError } from './usage-error.ts';

/** How a run is shown. */
export interface OutputOptions {
  readonly quiet: boolean;
  /** 0 to 2. */
  readonly verbose: number;
  readonly json: boolean;
  readonly progress: 'auto' | 'always' | 'never';
  readonly color: 'auto' | 'always' | 'never';
}

/** What every run is told beside its task. */
export interface RunOptions {
  readonly program: ProgramName;
  readonly output: OutputOptions;
  readonly batch: boolean;
  /** What is odd but no error. */
  readonly warnings: readonly string[];
}

export type Invocation =
  /** `--help`, `--version`: print and be done. */
  { readonly kind: 'print'; readonly text: string } | CopyInvocation | InstallInvocation | SettingsInvocation;

export type CopyInvocation = PutInvocation | GetInvocation;

/** What every copy is told beside its options. */
export interface CopyTask extends RunOptions {
  /** The file whose list of paths is to be copied; `-`: standard input. Undefined: everything. */
  readonly filesFrom: string | undefined;
}

export interface PutInvocation extends CopyTask {
  readonly kind: 'put';
  readonly put: PutOptions;
}

export interface GetInvocation extends CopyTask {
  readonly kind: 'get';
  readonly get: GetOptions;
}

export interface InstallInvocation extends RunOptions {
  readonly kind: 'install-helper';
  readonly ssh: CopyOptions['ssh'];
  readonly dryRun: boolean;
}

export interface SettingsInvocation extends RunOptions {
  readonly kind: 'show-settings';
  readonly ssh: CopyOptions['ssh'];
}

/** Reads `args` (without program names) and `environment`. Mistakes are thrown as usage errors. */
export function parseArguments(
  args: readonly string[],
  environment: Environment,
  version: string,
  program: ProgramName = 'mtput',
): Invocation {
  const line = readCommandLine(args, version, program);
  if ('print' in line) return { kind: 'print', text: line.print };
  const wrongPort = portHint(args, line.operands);
  if (wrongPort) throw wrongPort;
  const { values, unknownVariables } = optionValues(line, environment);
  const warnings = unknownVariables.map((name) => `${name} is set, but names no option; it is ignored.`);
  const run = { program, output: values, batch: values.batch, warnings };
  if (values.installHelper) {
    const ssh = sshInput(values, readServer('--install-helper', program, line.operands));
    return { kind: 'install-helper', ssh, dryRun: values.dryRun, ...run };
  }
  if (values.showSettings) {
    return { kind: 'show-settings', ssh: sshInput(values, readServer('-G', program, line.operands)), ...run };
  }
  if (program === 'mtget') {
    const { locations, destination } = readGetOperands(line.operands);
    const sources = locations.map(({ path }) => path);
    const get = { sources, destination, ...copyOptions(values, locations[0]!) };
    return { kind: 'get', get, filesFrom: listOf(values, sources), ...run };
  }
  const { sources, location } = readOperands(line.operands);
  const put = { sources, destination: location.path, ...copyOptions(values, location) };
  return { kind: 'put', put, filesFrom: listOf(values, sources), ...run };
}

function optionValues(
  line: CommandLine,
  environment: Environment,
): { values: OptionValues; unknownVariables: string[] } {
  const values = defaultValues();
  const given = new Set<OptionRow>(line.given.map(({ row }) => row));
  const unknownVariables = applyEnvironment(environment, given, values);
  for (const { row, name, text } of line.given) Object.assign(values, row.apply(text, name, values));
  settleContradictions(values, given);
  return { values, unknownVariables };
}

/** Paths that are relative to several sources would be ambiguous. */
function listOf({ filesFrom }: OptionValues, sources: readonly unknown[]): string | undefined {
  if (filesFrom === undefined || sources.length === 1) return filesFrom;
  throw usageError('--files-from takes one source, to which its paths are relative', 'Copy one source at a time.');
}

function readOperands(operands: readonly string[]): { sources: readonly Buffer[]; location: RemoteLocation } {
  const destination = operands.at(-1);
  if (destination === undefined) {
    throw usageError('Nothing to copy was given', 'Write mtput SOURCE... [USER@]HOST:[PATH]; see --help.');
  }
  const sources = operands.slice(0, -1);
  const location = parseLocation(destination);
  if (location === undefined) throw noServerError(destination, sources);
  if (sources.length === 0)
    throw usageError('Only a destination was given', 'Write mtput SOURCE... [USER@]HOST:[PATH].');
  if (sources.includes('')) throw usageError('A source is empty', 'Check the quotes and variables of the command.');
  return { sources: sources.map(bytesFromText), location };
}

function readGetOperands(operands: readonly string[]): {
  locations: readonly RemoteLocation[];
  destination: Buffer;
} {
  const form = `Write mtget ${OPERANDS.mtget}.`;
  const destination = operands.at(-1);
  if (destination === undefined) throw usageError('Nothing to copy was given', `${form} See --help.`);
  if (operands.length === 1) throw usageError('Only a source was given', `${form} For this directory, DEST is a dot.`);
  if (destination === '')
    throw usageError('The destination is empty', 'Check the quotes and variables of the command.');
  const locations = operands.slice(0, -1).map((source) => {
    const location = parseLocation(source);
    if (location === undefined) throw noServerInSource(source, destination);
    return location;
  });
  const [first] = locations;
  if (!locations.every((location) => isSameServer(location, first!))) {
    throw usageError('The sources are on different servers', 'Copy from one server at a time.');
  }
  return { locations, destination: bytesFromText(destination) };
}

function isSameServer(one: RemoteLocation, other: RemoteLocation): boolean {
  return one.host === other.host && one.port === other.port && one.user === other.user;
}

/** The one operand of `--install-helper` and `-G`; the colon may be left out, as no path follows it. */
function readServer(option: string, program: ProgramName, operands: readonly string[]): RemoteLocation {
  const form = `Write ${program} ${option} [USER@]HOST.`;
  const [server, ...others] = operands;
  if (server === undefined) throw usageError(`${option} takes a server, and none was given`, form);
  if (others.length > 0) throw usageError(`${option} takes one server and no sources`, form);
  const location = parseLocation(server) ?? parseLocation(`${server}:`);
  if (location === undefined) throw usageError(`'${server}' names no server`, form);
  if (location.path.length > 0 && option === '--install-helper') {
    throw usageError('--install-helper takes no path: the place is ~/.local/bin', form);
  }
  return location;
}

function sshInput(values: OptionValues, location: RemoteLocation): CopyOptions['ssh'] {
  const port = location.port ?? values.port;
  const { configFile, jumps, sshProgram, ciphers, addressFamily } = values;
  return {
    host: location.host,
    ...(location.user === undefined ? {} : { user: location.user }),
    ...(port === undefined ? {} : { port }),
    identityFiles: values.identityFiles,
    options: values.sshOptions,
    ...(configFile === undefined ? {} : { configFile }),
    ...(jumps === undefined ? {} : { jumps }),
    ...(sshProgram === undefined ? {} : { program: sshProgram }),
    allowsMatchExec: values.allowsMatchExec,
    ...(ciphers === undefined ? {} : { ciphers }),
    compression: values.compression,
    ...(addressFamily === undefined ? {} : { addressFamily }),
    batch: values.batch,
    pinnedHostKeys: values.pinnedHostKeys,
    // Without the option, the files of ssh may say something else.
    ...(values.connectTimeoutMs === DEFAULT_CONNECT_TIMEOUT_MS ? {} : { connectTimeoutMs: values.connectTimeoutMs }),
    stallTimeoutMs: values.stallTimeoutMs,
  };
}

function copyOptions(values: OptionValues, location: RemoteLocation): CopyOptions {
  const { limitBytesPerSecond } = values;
  return {
    ssh: sshInput(values, location),
    connections: values.connections,
    pieceSize: values.pieceSize,
    inFlight: values.inFlight,
    maxStartups: values.maxStartups,
    connectIntervalMs: values.connectIntervalMs,
    verify: values.verify,
    algorithm: values.algorithm,
    digestProvider: values.digestProvider,
    inplace: values.inplace,
    preserve: values.preserve,
    resume: values.resume,
    filters: values.filters,
    links: values.links,
    checksum: values.checksum,
    force: values.force,
    ignoreExisting: values.ignoreExisting,
    ...(limitBytesPerSecond === undefined ? {} : { limitBytesPerSecond }),
    retryForMs: values.retryForMs,
    dryRun: values.dryRun,
  };
}
