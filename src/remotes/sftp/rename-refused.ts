/** The errors where the server refuses to rename a staged file to its target. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { Unremovable } from './aside-files.ts';
import type { SftpStatusError } from './codec/status-error.ts';

/** The error for a refused rename. It gives no advice, which depends on what else is found out. */
export function renameRefused(partial: Buffer, target: Buffer, refusal: SftpStatusError): CopyError {
  return refused(`The server refused to rename ${cleanText(partial)} to ${cleanText(target)}`, refusal);
}

/**
 * The error for a rename that was refused when it was tried with the empty partial file.
 * @param left empty files that could not be removed
 */
export function trialRefused(partial: Buffer, refusal: SftpStatusError, left: readonly Buffer[]): CopyError {
  const remains = left.map((path) => `, and to remove ${cleanText(path)}, which is empty`).join('');
  const what = `The server refused to rename ${cleanText(partial)}, which was tried before anything was sent${remains}`;
  return refused(what, refusal);
}

/** The error where the old target could only be moved aside, and could not be removed there. */
export function oldFileStays(target: Buffer, { path, refusal }: Unremovable): CopyError {
  const left = `${cleanText(path)}, which an earlier run moved aside`;
  return refused(
    `The server can replace ${cleanText(target)} only by moving it aside, and refuses to remove ${left}`,
    refusal,
  );
}

/** The text of the server without a full stop at its end; its code where there is no text. */
export function reasonOf({ text, status }: SftpStatusError): string {
  return text === '' ? `status ${status}` : text.replace(/\.$/, '');
}

function refused(what: string, refusal: SftpStatusError): CopyError {
  const { text } = refusal;
  const options = { cause: refusal, refused: { operation: 'rename', text } };
  return new CopyError('rename-refused', `${what}: ${reasonOf(refusal)}.`, options);
}
