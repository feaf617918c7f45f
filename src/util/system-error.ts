/** What Node's system errors say. */

/** Such as `ENOENT`; undefined for anything that is no system error. */
export function systemErrorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** The system's words for the error, without call and path: `ENOENT: no such file or directory`. */
export function systemErrorText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/, \w+( '.*)?$/s, '');
}
