/** Code and text of the system errors that Node throws. */

/** For example `ENOENT`; undefined: it is no system error. */
export function systemErrorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** The text of the error without the call and the path, for example `ENOENT: no such file or directory`. */
export function systemErrorText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/, \w+( '.*)?$/s, '');
}
