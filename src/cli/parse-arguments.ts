/** From the words of a command line to what the transfer and the display are told. */
import type { PutOptions } from '../transfer.ts';
import { bytesFromText } from '../util/bytes-text.ts';
import { type CommandLine, readCommandLine } from './command.ts';
import { applyEnvironment, type Environment } from './environment.ts';
import { noServerError, portHint } from './hints.ts';
import { parseLocation, type RemoteLocation } from './location.ts';
import { blankValues, type OptionValues } from './option-values.ts';
import { type OptionRow, optionRows } from './options.ts';
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

export type Invocation =
  /** `--help`, `--version`: print and be done. */
  | { readonly kind: 'print'; readonly text: string }
  | {
      readonly kind: 'put';
      readonly put: PutOptions;
      readonly output: OutputOptions;
      readonly batch: boolean;
      /** What is odd but no error. */
      readonly warnings: readonly string[];
    };

/** Reads `args` (without program names) and `environment`. Mistakes are thrown as usage errors. */
export function parseArguments(args: readonly string[], environment: Environment, version: string): Invocation {
  const line = readCommandLine(args, version);
  if ('print' in line) return { kind: 'print', text: line.print };
  const wrongPort = portHint(args, line.operands);
  if (wrongPort) throw wrongPort;
  const { values, unknownVariables } = optionValues(line, environment);
  const { sources, location } = readOperands(line.operands);
  return {
    kind: 'put',
    put: putOptions(values, sources, location),
    output: values,
    batch: values.batch,
    warnings: unknownVariables.map((name) => `${name} is set, but names no option; it is ignored.`),
  };
}

function optionValues(
  line: CommandLine,
  environment: Environment,
): { values: OptionValues; unknownVariables: string[] } {
  const values = blankValues();
  for (const row of optionRows) {
    if (row.default !== null) Object.assign(values, row.apply(row.default, row.long ?? '', values));
  }
  const given = new Set<OptionRow>(line.given.map(({ row }) => row));
  const unknownVariables = applyEnvironment(environment, given, values);
  for (const { row, name, text } of line.given) Object.assign(values, row.apply(text, name, values));
  settleVerbosity(values, given);
  return { values, unknownVariables };
}

function settleVerbosity(values: OptionValues, given: ReadonlySet<OptionRow>): void {
  if (!values.quiet || values.verbose === 0) return;
  const typed = (long: string) => [...given].some((row) => row.long === long);
  if (typed('--quiet') === typed('--verbose'))
    throw usageError('-q and -v contradict each other', 'Leave one of them out.');
  if (typed('--quiet')) values.verbose = 0;
  else values.quiet = false;
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

function putOptions(values: OptionValues, sources: readonly Buffer[], location: RemoteLocation): PutOptions {
  const port = location.port ?? values.port;
  const { limitBytesPerSecond, ciphers, addressFamily } = values;
  return {
    sources,
    destination: location.path,
    ssh: {
      host: location.host,
      ...(location.user === undefined ? {} : { user: location.user }),
      ...(port === undefined ? {} : { port }),
      identityFiles: values.identityFiles,
      options: values.sshOptions,
      ...(ciphers === undefined ? {} : { ciphers }),
      ...(addressFamily === undefined ? {} : { addressFamily }),
      batch: values.batch,
      pinnedHostKeys: values.pinnedHostKeys,
      connectTimeoutMs: values.connectTimeoutMs,
      stallTimeoutMs: values.stallTimeoutMs,
    },
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
    ...(limitBytesPerSecond === undefined ? {} : { limitBytesPerSecond }),
    retryForMs: values.retryForMs,
    dryRun: values.dryRun,
  };
}
