/** Paths as a shell script can read them, whatever their bytes. */

/** Octal for `printf %b` (POSIX: `\0` and up to three digits), whatever the byte, save what no shell can misread. */
export function escapedPath(path: Uint8Array): string {
  let text = '';
  for (const byte of path) {
    const character = String.fromCharCode(byte);
    text += /[A-Za-z0-9/._-]/.test(character) ? character : `\\0${byte.toString(8).padStart(3, '0')}`;
  }
  return text;
}
