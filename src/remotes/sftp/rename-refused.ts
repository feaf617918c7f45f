/** What is said where the server does not let a staged file take the name of its target. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { Unremovable } from './aside-files.ts';
import type { SftpStatusError } from './codec/status-error.ts';

/** The error for a rename that was refused. It names the partial; what helps depends on what else is found there. */
export function renameRefused(partial: Buffer, target: Buffer, refusal: SftpStatusError): CopyError {
  return refused(`The server refused to rename ${cleanText(partial)} to ${cleanText(target)}`, refusal);
}

/** The same for one that was tried on the empty partial. `left`: what could not be removed again. */
export function trialRefused(partial: Buffer, refusal: SftpStatusError, left: readonly Buffer[]): CopyError {
  const remains = left.map((path) => `, and to remove ${cleanText(path)}, which is empty`).join('');
  const what = `The server refused to rename ${cleanText(partial)}, which was tried before anything was sent${remains}`;
  return refused(what, refusal);
}

/** The error where the old target could only be moved aside, and would stay there. */
export function oldFileStays(target: Buffer, { path, refusal }: Unremovable): CopyError {
  const left = `${cleanText(path)}, which an earlier run moved aside`;
  return refused(
    `The server can replace ${cleanText(target)} only by moving it aside, and refuses to remove ${left}`,
    refusal,
  );
}

/** What the server says, without a full stop, or else its code. */
export function reasonOf({ text, status }: SftpStatusError): string {
  return text === '' ? `status ${status}` : text.replace(/\.$/, '');
}

function refused(what: string, refusal: SftpStatusError): CopyError {
  const { text } = refusal;
  const options = { cause: refusal, refused: { operation: 'rename', text } };
  return new CopyError('rename-refused', `${what}: ${reasonOf(refusal)}.`, options);
}
