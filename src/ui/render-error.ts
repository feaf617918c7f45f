import type { CopyErrorData } from '../errors.ts';
import type { Paint } from './paint.ts';
import { showName } from './show-name.ts';

/**
 * One sentence of what happened and one of what to do, on a line each. `cause` adds its stack and those of its causes:
 * for `-vv` alone.
 */
export function renderError(program: string, error: CopyErrorData, paint: Paint, cause?: unknown): string {
  const lines = [`${paint('red', `${program}:`)} ${sentence(error.message)}`];
  if (error.advice !== '') lines.push(sentence(error.advice));
  return [...lines, ...stackLines(cause)].join('\n');
}

/** `text`, cleaned and with a full stop. */
export function sentence(text: string): string {
  const clean = showName(text.trim());
  return /[.!?:…]$/.test(clean) ? clean : `${clean}.`;
}

function stackLines(cause: unknown): string[] {
  const lines: string[] = [];
  // Ten: a chain of causes may be a ring.
  for (let error = cause, depth = 0; error !== undefined && depth < 10; depth++) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    for (const line of text.split('\n')) lines.push(`  ${showName(line.trimStart())}`);
    error = error instanceof Error ? error.cause : undefined;
  }
  return lines;
}
