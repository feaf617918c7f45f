/**
 * Explains a refusal of the server: the reason, and what the user can do. Both are derived from what was found around
 * the target. This is a pure function of plain data.
 */
import { CopyError, type ErrorCode } from '../../../errors.ts';
import type { Situation } from '../../../remotes/remote.ts';
import { formatSize } from '../../../util/format-size.ts';
import { type Cause, type FailedJob, FailureFacts, isBare } from './failure-facts.ts';

/** Failures that the situation can explain. */
const EXPLAINED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'destination-permission',
  'destination-refused',
  'no-space',
  'rename-refused',
]);

/**
 * Whether the failure is a refusal of the server that needs an explanation. Other failures already say what was found.
 */
export function isExplained({ code, refused }: CopyError): boolean {
  return code === 'partial-refused' || (refused !== undefined && EXPLAINED.has(code));
}

/** Returns the failure with the reason and the advice that follow from the situation. */
export function explainFailure(failure: CopyError, situation: Situation, job: FailedJob): CopyError {
  const facts = new FailureFacts(failure, situation, job);
  const { code, reason, advice } = explanations[facts.cause](facts);
  const { refused } = failure;
  return new CopyError(code ?? failure.code, withReason(failure, reason), {
    cause: failure,
    advice: [advice, facts.remark].filter((part) => part !== '').join(' '),
    scope: failure.scope,
    retry: failure.retry,
    exitCode: failure.exitCode,
    ...(refused && { refused }),
  });
}

interface Explanation {
  readonly code?: ErrorCode;
  /** A part of a sentence; empty: nothing is known beyond what the server said. */
  readonly reason: string;
  readonly advice: string;
}

const INPLACE = 'the content of the old file is then lost even if the run fails';

const NO_REASON = 'the server gives no reason';

const explanations: Record<Cause, (facts: FailureFacts) => Explanation> = {
  'read-only': () => ({
    code: 'destination-permission',
    reason: 'its file system is read-only',
    advice: 'Name a destination on another file system, or have this one made writable.',
  }),
  'no-files': (facts) => ({
    code: 'no-space',
    reason: 'its file system has no inode left for a new file',
    advice: facts.mayWriteOld
      ? `Remove files there, or use --inplace to write over the old file, which needs no inode; ${INPLACE}.`
      : 'Remove files there, then run the same command again.',
  }),
  'no-room': explainNoRoom,
  quota: (facts) => ({
    code: 'no-space',
    reason: joined(
      facts.space && !/\bquota\b/i.test(facts.failure.message)
        ? `no file there takes more bytes, though its file system has ${formatSize(facts.space.availableBytes)} available, so a quota may be used up`
        : '',
      facts.leftOver,
    ),
    advice: 'Remove files of this account, or ask for a larger quota, then run the same command again.',
  }),
  'file-size': (facts) => ({
    reason: joined(
      `it took ${formatSize(facts.job.bytesThere)}, and other files there still take bytes, so the size of one file may be limited`,
      facts.leftOver,
    ),
    advice: `Ask how large a file may be there: this one has ${formatSize(facts.job.size)}.`,
  }),
  directory: (facts) => ({
    reason: isBare(facts.failure)
      ? 'the directory takes no new file; a quota of files may be used up, or a rule of the server forbids it'
      : '',
    advice: facts.mayWriteOld
      ? `Check the permissions of the directory, or use --inplace, as the old file itself may be written; ${INPLACE}.`
      : 'Check the permissions of the destination directory.',
  }),
  name: (facts) => ({
    code: 'destination-refused',
    reason: 'this name is refused, as a file with another name may be created there',
    advice: facts.mayWriteOld
      ? `Use --inplace, as the old file itself may be written; ${INPLACE}.`
      : facts.job.inplace
        ? 'Choose another name for the target.'
        : 'Choose another name, or ask for names that begin with a dot and end in .mtpart to be allowed there.',
  }),
  rename: explainRename,
  'old-file': explainOldFile,
  'partial-gone': () => ({
    reason: '',
    advice: 'Find out which program removes such files there, then run the same command again.',
  }),
  unknown: (facts) => ({
    reason: joined(isBare(facts.failure) ? NO_REASON : '', facts.leftOver),
    advice: facts.failure.advice,
  }),
};

function explainNoRoom(facts: FailureFacts): Explanation {
  const { space, missing, mayWriteOld, fitsInPlace } = facts;
  const available = space && `${formatSize(space.availableBytes)} are available`;
  const room = missing ? `Make room on the server for ${formatSize(missing)} more` : 'Make room on the server';
  const inPlace = `${facts.removesPartial ? 'removes the partial file and ' : ''}writes over the old file`;
  return {
    code: 'no-space',
    reason: joined(available, facts.leftOver),
    advice:
      mayWriteOld && fitsInPlace
        ? `${room} and run the same command again, or use --inplace, which ${inPlace}; ${INPLACE}.`
        : `${room}, then run the same command again.`,
  };
}

function explainOldFile({ failure, isOldWritable, target, trial }: FailureFacts): Explanation {
  if (isOldWritable) return { reason: '', advice: `Run the same command again: ${target} may be written now.` };
  const advice = trial?.renames
    ? `Check the permissions of ${target}, or leave out --inplace: the directory takes new files and renames them.`
    : `Check the permissions of ${target}.`;
  return { reason: isOldWritable === false && isBare(failure) ? 'the old file may not be written' : '', advice };
}

function explainRename(facts: FailureFacts): Explanation {
  const { hasOld, isOldWritable, mayWriteOld, trial, target, failure, job } = facts;
  if (mayWriteOld) {
    return { reason: '', advice: `Use --inplace, as the old file itself may be written; ${INPLACE}.` };
  }
  if (hasOld) {
    const advice = `Check the permissions of ${target}, which may not be replaced.`;
    return { reason: isOldWritable === false ? 'the old file may not be written either' : '', advice };
  }
  if (trial?.renames === false && !job.inplace) {
    // If the server does not say what is at the target, that may be a file that cannot be written.
    const limit = facts.isOldUnknown ? ', if the server lets it be written' : ': the directory takes new files';
    const advice = `Use --inplace to write the target itself${limit}.`;
    return { reason: 'no file there may be renamed', advice };
  }
  if (trial?.renames) {
    const reason = 'this name is refused, as files there may be given others';
    return { reason, advice: 'Choose another name for the target.' };
  }
  return { reason: '', advice: failure.advice };
}

function joined(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join('; ');
}

/** Replaces the bare word "Failure" in the message by the reason. A text that the server gave itself stays. */
function withReason(failure: CopyError, reason: string): string {
  const sentence = failure.message.replace(/\.$/, '');
  if (!isBare(failure)) return reason === '' ? failure.message : `${sentence} (${reason}).`;
  return `${sentence.replace(/: (failure|status \d+)$/i, '')}: ${reason === '' ? NO_REASON : reason}.`;
}
