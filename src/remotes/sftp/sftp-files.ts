/** Converts the answers of a session to the types of the contract: attributes and coded errors. */
import { CopyError } from '../../errors.ts';
import type { Attributes } from '../remote.ts';
import type { SftpAttributes } from './codec/attributes.ts';
import { SftpStatusError } from './codec/status-error.ts';
import { type StatusContext, toCopyError } from './status-errors.ts';

const TYPE_BITS = 0o170000;
const KINDS: ReadonlyMap<number, Attributes['kind']> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'link'],
]);

/** Where the server does not send the type, a file is assumed. */
export function toAttributes({ size = 0, permissions, times }: SftpAttributes): Attributes {
  return {
    kind: permissions === undefined ? 'file' : (KINDS.get(permissions & TYPE_BITS) ?? 'other'),
    ...(permissions === undefined && { isKindKnown: false }),
    size,
    ...(times && { mtimeMs: times.mtimeSeconds * 1000, atimeMs: times.atimeSeconds * 1000 }),
    ...(permissions !== undefined && { mode: permissions & 0o7777 }),
  };
}

/** Awaits `answer`. A refusal of the server becomes the coded error that it means in this context. */
export async function withCodedErrors<T>(answer: Promise<T>, context: StatusContext): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw toCodedError(error, context);
  }
}

export function toCodedError(error: unknown, context: StatusContext): CopyError {
  return error instanceof SftpStatusError ? toCopyError(error, context) : CopyError.from(error);
}
