/** commander 14, configured from the table of options. */
import { Command, CommanderError, Option } from 'commander';
import type { CopyError } from '../errors.ts';
import { unknownOptionHint } from './hints.ts';
import { namesOf, type OptionRow, optionRows } from './options.ts';
import { OPERANDS, type ProgramName } from './program-name.ts';
import { usageError } from './usage-error.ts';

/** The words of a command line, in the order they were given. */
export interface CommandLine {
  readonly given: readonly { readonly row: OptionRow; readonly name: string; readonly text: string }[];
  readonly operands: readonly string[];
}

export type CommandOutcome = CommandLine | { readonly print: string };

const about: Readonly<Record<ProgramName, string>> = {
  mtput: `Copies files to an SSH server over many connections at once.

SOURCE is a local file or directory. The destination is [USER@]HOST:[PATH] or
sftp://USER@HOST:PORT/PATH; a relative PATH begins at the home directory (sftp://HOST//PATH is
absolute).`,
  mtget: `Copies files from an SSH server over many connections at once.

A source is [USER@]HOST:PATH or sftp://USER@HOST:PORT/PATH; a relative PATH begins at the home
directory (sftp://HOST//PATH is absolute). All sources are on one server. DEST is a local file or
directory.`,
};

const usage: Readonly<Record<ProgramName, string>> = {
  mtput: `[options] ${OPERANDS.mtput}\n       mtput --install-helper [options] [USER@]HOST\n       mtput -G [options] [USER@]HOST`,
  mtget: `[options] ${OPERANDS.mtget}\n       mtget -G [options] [USER@]HOST`,
};

const footer = `
Environment:
  MT_COPY_CONNECTIONS, MT_COPY_LIMIT, ... set the option of that name; options beat them. Not to be
  set so: -i, -o, -F, -J, -G, -c, --pin-host-key, --install-helper, --include, --exclude,
  --files-from.
  ~/.ssh/config and /etc/ssh/ssh_config hold as for ssh; options and variables beat them.
  MT_COPY_PASSWORD, MT_COPY_PASSPHRASE, SSH_ASKPASS answer instead of the terminal.

Exit codes: 0 copied; 1 some of several files failed; 2 usage; 3 source; 4 destination; 5 no
connection; 6 host key; 7 authentication; 8 protocol; 9 integrity; 10 the source changed; 11 local
I/O; 12 another run is at work; 130 interrupted.`;

/**
 * Sorts `args` into options and operands, or gives the text that `--help` or `--version` prints. Usage errors throw.
 */
export function readCommandLine(
  args: readonly string[],
  version: string,
  program: ProgramName = 'mtput',
): CommandOutcome {
  const given: { row: OptionRow; name: string; text: string }[] = [];
  let print = '';
  const command = new Command(program)
    .usage(usage[program])
    .description(about[program])
    .argument('[operands...]')
    .helpOption('-h, --help', 'print this')
    .version(version, '-V, --version', 'print the version')
    .addHelpText('after', footer)
    .exitOverride()
    .action(() => {});
  command.configureOutput({
    writeOut: (text) => {
      print += text;
    },
    writeErr: () => {},
    getOutHelpWidth: () => 100,
    getOutHasColors: () => false,
  });
  command.configureHelp({ visibleArguments: () => [], optionTerm: (option) => terms.get(option) ?? option.flags });
  const terms = new Map<Option, string>();
  for (const row of optionRows) if (row.programs.includes(program)) addRow(command, row, terms, given);
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { print };
    throw commandError(error);
  }
  return { given, operands: command.args };
}

function addRow(
  command: Command,
  row: OptionRow,
  terms: Map<Option, string>,
  given: { row: OptionRow; name: string; text: string }[],
): void {
  const names = namesOf(row);
  names.forEach((name, index) => {
    const option = new Option(row.argument === null ? name : `${name} <${row.argument}>`, helpText(row));
    option.helpGroup(`${row.group}:`);
    // Each name is an option of its own, so that messages use the one that was typed; help shows them as one.
    if (index > 0) option.hideHelp();
    else terms.set(option, term(row, names));
    command.addOption(option);
    command.on(`option:${option.name()}`, (text: string | null) => given.push({ row, name, text: text ?? '' }));
  });
}

function term(row: OptionRow, names: readonly string[]): string {
  const shortFirst = [...names].sort((a, b) => Number(a.startsWith('--')) - Number(b.startsWith('--')));
  return `${shortFirst.join(', ')}${row.argument === null ? '' : ` ${row.argument}`}`;
}

function helpText(row: OptionRow): string {
  return row.default === null ? row.help : `${row.help} (default: ${row.default})`;
}

function commandError(error: CommanderError): CopyError {
  const message = error.message.replace(/^error: /, '');
  const name = /'(--?[^' ]+)/.exec(message)?.[1];
  if (error.code === 'commander.unknownOption' && name !== undefined) {
    const similar = /\(Did you mean ([^?]+)\?\)/.exec(message)?.[1];
    const advice =
      unknownOptionHint(name) ?? (similar === undefined ? undefined : `Did you mean ${similar}? See --help.`);
    return usageError(`There is no option '${name}'`, advice);
  }
  if (error.code === 'commander.optionMissingArgument' && name !== undefined) {
    return usageError(`${name} takes a value, and none was given`);
  }
  return usageError(message.replaceAll('\n', ' '));
}
