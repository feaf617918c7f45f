import type { CopyErrorData } from '../errors.ts';
import { formatDuration } from '../util/format-duration.ts';
import { formatSize } from '../util/format-size.ts';
import type { Paint } from './paint.ts';
import { renderError, sentence } from './render-error.ts';
import type { EventOf, RunView } from './run-view.ts';
import { showBaseName, showName } from './show-name.ts';
import { failureLine, keptLines } from './summary.ts';

export interface LineOptions {
  readonly program: string;
  readonly paint: Paint;
  /** 0 to 2. */
  readonly verbose: number;
}

/** A notice: the message, after the word `warning` where it is one. */
export function noticeLine(level: 'info' | 'warning', message: string, paint: Paint): string {
  return level === 'warning' ? `${paint('yellow', 'warning:')} ${sentence(message)}` : sentence(message);
}

/** Of one file, or of several of which some are streams. */
export function sizeText(bytes: number, isKnown = true): string {
  if (isKnown) return formatSize(bytes);
  return bytes > 0 ? `more than ${formatSize(bytes)}` : 'size not known yet';
}

/** Undefined where `-v` or `-vv` would be needed to see it. */
export function connectionLine(event: EventOf<'connection'>, options: LineOptions): string | undefined {
  const { connection, state, description, error, retryInMs } = event;
  if (options.verbose === 0 || (state === 'opening' && options.verbose < 2)) return undefined;
  const what = description === undefined ? '' : ` (${showName(description)})`;
  const why = error === undefined ? '' : `: ${showName(error.message)}`;
  const again = retryInMs === undefined ? '' : `; tried again in ${formatDuration(retryInMs)}`;
  const code = error !== undefined && options.verbose > 1 ? ` [${error.code}]` : '';
  return options.paint('dim', `connection ${connection} ${state.replace('-', ' ')}${what}${why}${code}${again}`);
}

/** What a file event says on stderr at once; the failure of the only file waits for the result. */
export function fileLine(event: EventOf<'file'>, view: RunView, options: LineOptions): string | undefined {
  if (event.state === 'failed' && event.error && view.several) {
    if (!view.showsFailures || !view.isNew(event.error)) return undefined;
    return renderError(options.program, named(event, event.error), options.paint, details(event.error, options));
  }
  const shown = event.state === 'done' ? options.verbose > 0 && view.several : options.verbose > 1;
  if (!shown || isListed(event)) return undefined;
  const state = event.state === 'skipped' ? 'needs no copy' : event.state;
  return options.paint('dim', `${showBaseName(event.source)}: ${state}, ${sizeText(event.size, event.isSizeKnown)}`);
}

/**
 * The error of a file with its name, if its message does not have it: it may be about a partial file. What ends the run is
 * no matter of one file.
 */
function named({ source, target }: EventOf<'file'>, error: CopyErrorData): CopyErrorData {
  if (error.scope !== 'file') return error;
  const names = [source, target].filter((name) => name !== '').map(showName);
  if (names.some((name) => error.message.includes(name))) return error;
  return { ...error, message: `${names[0] ?? ''}: ${error.message}` };
}

function details({ stack }: CopyErrorData, { verbose }: LineOptions): string | undefined {
  return verbose > 1 ? stack : undefined;
}

/** Whether it is a line of `--dry-run`. */
export function isListed({ state }: EventOf<'file'>): boolean {
  return state === 'would-copy' || state === 'would-remove';
}

/** A line of `--dry-run` for stdout. */
export function listingLine(event: EventOf<'file'>): string {
  if (event.state === 'would-remove') {
    return `${showName(event.target)} (${formatSize(event.size)}, left by an earlier run) would be removed`;
  }
  const replaces = event.replaces ? ', replaces what is there' : '';
  return `${showName(event.source)} -> ${showName(event.target)} (${sizeText(event.size, event.isSizeKnown)}${replaces})`;
}

/** What failed and what to do: the last lines of a run. Empty after success. */
export function failureLines(event: EventOf<'result'>, view: RunView, options: LineOptions): string[] {
  const held = view.several ? [] : view.heldErrors;
  const errors = (event.error ? [event.error, ...held] : held).filter((error) => view.isNew(error));
  const lines = errors.map((error) => renderError(options.program, error, options.paint, details(error, options)));
  // With any other code the last words are those of what ended the run.
  const all = [...lines, ...keptLines(view, event)];
  return event.exitCode === 1 ? [...all, failureLine(event)] : all;
}
