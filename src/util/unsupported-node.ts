/**
 * Checks the version of Node before anything else. This module, and each that imports it statically, uses only syntax
 * that Node 12 understands: otherwise an old Node would show a syntax error instead of the message.
 */

/** The same as `engines` in package.json. */
const OLDEST = { major: 20, minor: 19 };

/** Why `program` cannot run on this version of Node, as a sentence; undefined where it can. */
export function unsupportedNode(program: string, version: string = process.versions.node): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return undefined;
  return `${program} needs Node ${OLDEST.major}.${OLDEST.minor} or later, this is ${version}.`;
}
