/** How a program on a server is known to be ours: the second line of what the build makes names it and its version. */
import { PROGRAM } from '../../../helper/framing.ts';

const PACKAGE = 'mt-copy-tools';
const MARK = new RegExp(
  `^#![^\\n]*\\bnode\\n// ${PROGRAM} (\\d+\\.\\d+\\.\\d+(?:[-+][0-9A-Za-z.+-]{1,64})?) of ${PACKAGE}\\n`,
);
/** In bytes; the mark is within them. */
export const MARK_LENGTH = 256;

/** The version of our program that begins with `head`; undefined: it is not ours. */
export function helperVersion(head: Uint8Array): string | undefined {
  return MARK.exec(Buffer.from(head.subarray(0, MARK_LENGTH)).toString('latin1'))?.[1];
}

/** Whether version `a` came after `b`. Of two before the same release neither is newer. */
export function isNewer(a: string, b: string): boolean {
  const [mine, other] = [partsOf(a), partsOf(b)];
  const at = mine.findIndex((part, i) => part !== other[i]);
  return at >= 0 && mine[at]! > other[at]!;
}

/** The last part: 1 for a release, 0 for what comes before it. */
function partsOf(version: string): number[] {
  const [numbers = ''] = version.split(/[-+]/, 1);
  const isEarly = /^[\d.]+-/.test(version);
  return [...numbers.split('.').map(Number), isEarly ? 0 : 1];
}
