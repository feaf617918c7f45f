/** What a staged file is called: `.NAME.mtpart`, beside its target, so that another run finds it. */
import { createHash, randomBytes } from 'node:crypto';

const SUFFIX = '.mtpart';
const OLD_SUFFIX = '.mtold';
/** The longest name file systems take. */
const MAX_NAME = 255;
const HASH_LENGTH = 16;

/** The usual path of the partial of `target`; where that name would be too long, a hash stands for its rest. */
export function partialPath(target: Uint8Array): Buffer {
  return besideOf(target, (name) => {
    const whole = Buffer.concat([Buffer.from('.'), name, Buffer.from(SUFFIX)]);
    if (whole.length <= MAX_NAME) return whole;
    const digest = createHash('sha256').update(name).digest('hex').slice(0, HASH_LENGTH);
    return beginningWith(name, `${digest}${SUFFIX}`);
  });
}

/** Another path beside `target`, that nobody can foresee: where something that is not ours has the usual one. */
export function randomPartialPath(target: Uint8Array): Buffer {
  const random = randomBytes(HASH_LENGTH / 2).toString('hex');
  return besideOf(target, (name) => beginningWith(name, `.${random}${SUFFIX}`));
}

/** Where the old target waits while the new one takes its name; `stage` is that of the staged file. */
export function asidePath(target: Uint8Array, stage: string): Buffer {
  return besideOf(target, (name) => beginningWith(name, `.${stage}${OLD_SUFFIX}`));
}

/** Whether `name` is the last name of some {@link asidePath} of `target`. */
export function isAsideName(target: Uint8Array, name: Uint8Array): boolean {
  const stage = /\.([0-9a-f]{16})\.mtold$/.exec(Buffer.from(name).toString('latin1'))?.[1];
  if (stage === undefined) return false;
  const path = asidePath(target, stage);
  return path.subarray(path.lastIndexOf('/') + 1).equals(name);
}

/** Another name in the directory of `target`, made of its name. */
export function besideOf(target: Uint8Array, rename: (name: Buffer) => Buffer): Buffer {
  const path = Buffer.from(target);
  const slash = path.lastIndexOf('/');
  return Buffer.concat([path.subarray(0, slash + 1), rename(path.subarray(slash + 1))]);
}

/** `.`, as much of the name as fits, and `end`; no UTF-8 character is cut, which some file systems refuse. */
function beginningWith(name: Buffer, end: string): Buffer {
  let length = Math.min(name.length, MAX_NAME - 1 - end.length);
  while (length > 0 && length < name.length && (name[length]! & 0xc0) === 0x80) length--;
  return Buffer.concat([Buffer.from('.'), name.subarray(0, length), Buffer.from(end)]);
}
