/**
 * The check of Node's version, which comes before everything else. This module, and what imports it statically, is kept
 * to what Node 12 understands: an older Node would show a syntax error in place of the message.
 */

/** As `engines` in package.json has it. */
const OLDEST = { major: 20, minor: 19 };

/** Why `program` cannot run on this version of Node, as a sentence; undefined where it can. */
export function unsupportedNode(program: string, version: string = process.versions.node): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return undefined;
  return `${program} needs Node ${OLDEST.major}.${OLDEST.minor} or later, this is ${version}.`;
}
