/** The programs that copy; they share options, output and exit codes. */
export type ProgramName = 'mtput' | 'mtget';

/** What follows the options on the command line of each. */
export const OPERANDS: Readonly<Record<ProgramName, string>> = {
  mtput: 'SOURCE... [USER@]HOST:[PATH]',
  mtget: '[USER@]HOST:PATH... DEST',
};
