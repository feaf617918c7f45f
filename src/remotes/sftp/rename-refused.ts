/** What is said where the server does not let a staged file take the name of its target. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { Unremovable } from './aside-files.ts';
import { OpenFlag } from './codec/constants.ts';
import { SftpStatusError } from './codec/status-error.ts';
import { lookAt } from './looks.ts';
import type { SftpSession } from './session.ts';

export interface RefusedMove {
  readonly partial: Buffer;
  readonly target: Buffer;
  /** Whether the server is known to leave a file as it is that is opened for writing and closed again. */
  readonly mayOpenTarget: boolean;
}

/**
 * The error for a rename that was refused. It names the partial, and advises `--inplace` unless that is known not to work
 * here. `unremovable`: what had to be removed before the old target could be moved aside.
 */
export async function renameRefused(
  session: SftpSession,
  move: RefusedMove,
  refusal: SftpStatusError,
  unremovable?: Unremovable,
): Promise<CopyError> {
  const [partial, target] = [cleanText(move.partial), cleanText(move.target)];
  const message =
    unremovable === undefined
      ? `The server refused to rename ${partial} to ${target}: ${reasonOf(refusal)}.`
      : `The server neither replaces ${target} by ${partial} (${reasonOf(refusal)}) nor removes ${cleanText(unremovable.path)}, an old file that an earlier run moved aside (${reasonOf(unremovable.refusal)}).`;
  const refused = { operation: 'rename', text: refusal.text };
  return new CopyError('rename-refused', message, { cause: refusal, advice: await adviceFor(session, move), refused });
}

/** What the server says, without a full stop, or else its code. */
export function reasonOf({ text, status }: SftpStatusError): string {
  return text === '' ? `status ${status}` : text.replace(/\.$/, '');
}

async function adviceFor(session: SftpSession, { target, mayOpenTarget }: RefusedMove): Promise<string> {
  const old = await lookAt(session, target);
  // It is created in the directory that took the partial.
  if (old.isTold && old.at === undefined) return 'Use --inplace to write the target itself.';
  if (!mayOpenTarget) return 'Use --inplace to write the target itself, if the server lets the old file be written.';
  return (await mayBeWritten(session, target))
    ? 'Use --inplace to write the target itself.'
    : 'The old file may not be written either: name another destination, or ask for the right to rename files there.';
}

async function mayBeWritten(session: SftpSession, target: Buffer): Promise<boolean> {
  try {
    await session.closeHandle(await session.open(target, OpenFlag.write));
    return true;
  } catch (error) {
    if (error instanceof SftpStatusError) return false;
    throw error;
  }
}
