/** Paths of a server, as bytes. Components are separated by `/`. */

const SLASH = 0x2f;
const DOT = 0x2e;

/** The directory at which relative paths begin, in a form that servers accept: they may refuse an empty path. */
export const HOME: Buffer = Buffer.from('.');

export function isAbsolute(path: Uint8Array): boolean {
  return path[0] === SLASH;
}

export function endsWithSlash(path: Uint8Array): boolean {
  return path.at(-1) === SLASH;
}

/** `directory/name`. An empty directory is the home directory; an absolute name is returned as it is. */
export function joinPath(directory: Uint8Array, name: Uint8Array): Buffer {
  if (directory.length === 0 || isAbsolute(name)) return Buffer.from(name);
  const separator = endsWithSlash(directory) ? '' : '/';
  return Buffer.concat([directory, Buffer.from(separator), name]);
}

/** Without slashes at the end; the root stays `/`. */
export function withoutTrailingSlashes(path: Uint8Array): Buffer {
  let end = path.length;
  while (end > 1 && path[end - 1] === SLASH) end--;
  return Buffer.from(path.subarray(0, end));
}

/** The last component; empty for `/` and the empty path. */
export function baseName(path: Uint8Array): Buffer {
  const trimmed = withoutTrailingSlashes(path);
  return trimmed.subarray(trimmed.lastIndexOf(SLASH) + 1);
}

/** The directory of the last component; empty (the home directory) for a name without a directory. */
export function directoryName(path: Uint8Array): Buffer {
  const trimmed = withoutTrailingSlashes(path);
  const slash = trimmed.lastIndexOf(SLASH);
  if (slash < 0) return Buffer.alloc(0);
  return withoutTrailingSlashes(trimmed.subarray(0, slash + 1));
}

/** Without `/.` at its end, which means the same directory. */
export function withoutLastDot(path: Uint8Array): Buffer {
  const trimmed = withoutTrailingSlashes(path);
  const isDot = trimmed.length > 1 && trimmed.at(-1) === DOT && trimmed.at(-2) === SLASH;
  return isDot ? withoutLastDot(trimmed.subarray(0, Math.max(1, trimmed.length - 2))) : trimmed;
}

/** Whether the name is `.` or `..`, which only directories have. */
export function isDots(name: Uint8Array): boolean {
  return ['.', '..'].includes(Buffer.from(name).toString('latin1'));
}
