import { JsonUi } from './json.ts';
import { makePaint } from './paint.ts';
import { PlainUi } from './plain.ts';
import { QuietUi } from './quiet.ts';
import type { Ui } from './ui.ts';

export interface UiChoice {
  readonly program: string;
  readonly quiet: boolean;
  /** 0 to 2. */
  readonly verbose: number;
  readonly json: boolean;
  readonly progress: 'auto' | 'always' | 'never';
  readonly color: 'auto' | 'always' | 'never';
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly outputStream: NodeJS.WriteStream;
  readonly errorStream: NodeJS.WriteStream;
}

/** The display that options, streams and environment ask for. Only a terminal that can do it is animated. */
export async function chooseUi(choice: UiChoice): Promise<Ui> {
  const { program, verbose, outputStream, errorStream, progress } = choice;
  const paint = makePaint(usesColor(choice));
  const lines = { program, verbose, outputStream, errorStream, paint };
  if (choice.json) {
    const people =
      progress === 'always' && !choice.quiet
        ? new PlainUi({ ...lines, progressEveryMs: 10_000 })
        : new QuietUi({ ...lines, progressEveryMs: undefined });
    return new JsonUi(outputStream, people);
  }
  if (choice.quiet) return new QuietUi({ ...lines, progressEveryMs: undefined });
  if (progress !== 'never' && animates(choice)) {
    // What draws on a terminal takes as long to load as the rest, and scripts have none.
    const { TerminalUi } = await import('./terminal.ts');
    return new TerminalUi(lines);
  }
  const every = { auto: 30_000, always: 10_000, never: undefined };
  return new PlainUi({ ...lines, progressEveryMs: every[progress] });
}

/** `--color` decides; else a terminal has colours unless `NO_COLOR` is set or it is a dumb one. */
export function usesColor({
  color,
  environment,
  errorStream,
}: Pick<UiChoice, 'color' | 'environment' | 'errorStream'>): boolean {
  if (color !== 'auto') return color === 'always';
  return errorStream.isTTY === true && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
}

/** A terminal without a size, as a container or a script may give, shows nothing that is drawn over. */
function animates({ environment, errorStream }: UiChoice): boolean {
  const { isTTY, columns, rows } = errorStream;
  return isTTY === true && columns !== 0 && rows !== 0 && environment['TERM'] !== 'dumb';
}
