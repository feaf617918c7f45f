/**
 * A path in a notation that a shell script can read, whatever bytes it contains: each byte but letters, digits and
 * `/._-`, which no shell interprets, becomes an octal escape for `printf %b` (POSIX: `\0` and up to three digits).
 */
export function escapedPath(path: Uint8Array): string {
  let text = '';
  for (const byte of path) {
    const character = String.fromCharCode(byte);
    text += /[A-Za-z0-9/._-]/.test(character) ? character : `\\0${byte.toString(8).padStart(3, '0')}`;
  }
  return text;
}
