/** Recognises our program on a server: the second line that the build writes contains its name and version. */
import { PROGRAM } from '../../../helper/framing.ts';

const PACKAGE = 'mt-copy-tools';
const MARK = new RegExp(
  `^#![^\\n]*\\bnode\\n// ${PROGRAM} (\\d+\\.\\d+\\.\\d+(?:[-+][0-9A-Za-z.+-]{1,64})?) of ${PACKAGE}\\n`,
);
/** How many bytes of a program have to be read to find the mark. */
export const MARK_LENGTH = 256;

/** The version of the program that begins with `head`; undefined where it is not ours. */
export function helperVersion(head: Uint8Array): string | undefined {
  return MARK.exec(Buffer.from(head.subarray(0, MARK_LENGTH)).toString('latin1'))?.[1];
}

/** Whether version `a` is newer than `b`. Of two pre-releases of the same release, neither counts as newer. */
export function isNewer(a: string, b: string): boolean {
  const [mine, other] = [partsOf(a), partsOf(b)];
  const at = mine.findIndex((part, i) => part !== other[i]);
  return at >= 0 && mine[at]! > other[at]!;
}

/** The numbers of the version, then 1 for a release or 0 for a pre-release. */
function partsOf(version: string): number[] {
  const [numbers = ''] = version.split(/[-+]/, 1);
  const isEarly = /^[\d.]+-/.test(version);
  return [...numbers.split('.').map(Number), isEarly ? 0 : 1];
}
