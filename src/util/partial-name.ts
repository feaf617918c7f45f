/**
 * The names of partial files: `.NAME.HEX.mtpart` beside the target. HEX is random and never used twice, so that what an
 * earlier run still has in progress (a WRITE, a RENAME, a REMOVE) never meets a file of a later run.
 */
import { randomBytes } from 'node:crypto';

/** If a partial file was not written for so long, the run that staged it is taken to have ended. */
export const ABANDONED_MS: number = 24 * 60 * 60 * 1000;

const SUFFIX = '.mtpart';
const MARK_BEGINNING = '.mtprobe.';
const OLD_SUFFIX = '.mtold';
/** As long as {@link OLD_SUFFIX}, so that the name fits as well. */
const FOREIGN_SUFFIX = '.other';
/** The longest name that common file systems accept, in bytes. */
const MAX_NAME = 255;
const HEX_LENGTH = 16;
const END_LENGTH = 1 + HEX_LENGTH + SUFFIX.length;
/** The most of a target's name that fits into the name of its partial file. */
const MAX_BEGINNING = MAX_NAME - 1 - END_LENGTH;
/** A UTF-8 character has at most four bytes: so many may be missing where a name was shortened. */
const MAX_CHARACTER = 4;
const END_PATTERN = new RegExp(`^\\.[0-9a-f]{${HEX_LENGTH}}\\${SUFFIX}$`);

/** A new path for a partial file of `target`, in the same directory. */
export function newPartialPath(target: Uint8Array): Buffer {
  return besideOf(target, `.${newHex()}${SUFFIX}`);
}

/** A random HEX that was never used before. */
export function newHex(): string {
  const length = HEX_LENGTH / 2;
  if (randomUsed + length > random.length) {
    random = randomBytes(RANDOM_LENGTH);
    randomUsed = 0;
  }
  randomUsed += length;
  return random.toString('hex', randomUsed - length, randomUsed);
}

/** Random bytes are drawn for many names at a time, because each call takes as long as drawing a hundred. */
const RANDOM_LENGTH = 4096;
let random: Buffer = Buffer.alloc(0);
let randomUsed = 0;

/** The HEX of a partial file's path. */
export function hexOf(partial: Uint8Array): string {
  return Buffer.from(partial.subarray(1 - END_LENGTH, -SUFFIX.length)).toString('latin1');
}

/** The path to which an old target is moved while the new one takes its name. `stage`: that of the staged file. */
export function asidePath(target: Uint8Array, stage: string): Buffer {
  return besideOf(target, `.${stage}${OLD_SUFFIX}`);
}

/**
 * The path to which a file is moved that is at the path `aside` and turned out to be of another run: no run removes it.
 */
export function foreignPath(aside: Uint8Array): Buffer {
  return Buffer.concat([aside.subarray(0, -OLD_SUFFIX.length), Buffer.from(FOREIGN_SUFFIX)]);
}

/** Whether `name` is the last name of some {@link asidePath} of `target`. */
export function isAsideName(target: Uint8Array, name: Uint8Array): boolean {
  const stage = /\.([0-9a-f]{16})\.mtold$/.exec(Buffer.from(name).toString('latin1'))?.[1];
  if (stage === undefined) return false;
  return splitPath(asidePath(target, stage)).name.equals(name);
}

/**
 * Whether a file called `name` may be a partial file of a target called `targetName`: `certain`, or `possible` where
 * the name may have been shortened, so that other targets have partial files of the same name.
 */
export function partialNameFits(name: Uint8Array, targetName: Uint8Array): 'certain' | 'possible' | undefined {
  const bytes = Buffer.from(name);
  if (!isPartialName(bytes)) return undefined;
  if (!bytes.subarray(1, -END_LENGTH).equals(beginningOf(targetName, MAX_BEGINNING))) return undefined;
  return targetName.length + MAX_CHARACTER <= MAX_BEGINNING ? 'certain' : 'possible';
}

/** Whether a file called `name` may be a partial file of some target. */
export function isPartialName(name: Uint8Array): boolean {
  return name[0] === 0x2e && END_PATTERN.test(Buffer.from(name.subarray(-END_LENGTH)).toString('latin1'));
}

/** A name for a link that is made only to be looked at. If its run is killed, it is taken for a partial file. */
export function newMarkName(): Buffer {
  return Buffer.from(`${MARK_BEGINNING}${newHex()}${SUFFIX}`);
}

export function isMarkName(name: Uint8Array): boolean {
  return Buffer.from(name.subarray(0, MARK_BEGINNING.length)).toString('latin1') === MARK_BEGINNING;
}

/** `.`, as much of the target's name as fits, and `end`, in the directory of the target. */
function besideOf(target: Uint8Array, end: string): Buffer {
  const { directory, name } = splitPath(target);
  const beginning = beginningOf(name, MAX_NAME - 1 - end.length);
  return Buffer.concat([directory, Buffer.from('.'), beginning, Buffer.from(end)]);
}

/** The directory with its slash, if there is one, and the last name. */
export function splitPath(path: Uint8Array): { readonly directory: Buffer; readonly name: Buffer } {
  const bytes = Buffer.from(path);
  const slash = bytes.lastIndexOf('/');
  return { directory: bytes.subarray(0, slash + 1), name: bytes.subarray(slash + 1) };
}

/** At most `maxLength` bytes of a name; no UTF-8 character is cut, because some file systems refuse that. */
function beginningOf(name: Uint8Array, maxLength: number): Buffer {
  const bytes = Buffer.from(name);
  let length = Math.min(bytes.length, maxLength);
  while (length > 0 && length < bytes.length && (bytes[length]! & 0xc0) === 0x80) length--;
  return bytes.subarray(0, length);
}
