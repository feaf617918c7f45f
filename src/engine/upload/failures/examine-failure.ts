/** Finds out, after a file job has failed, what the server still has of it, why it failed, and what the user can do. */
import { CopyError } from '../../../errors.ts';
import type { RemoteConnection, Situation, StageToken } from '../../../remotes/remote.ts';
import { directoryName } from '../../../util/byte-path.ts';
import { cleanText } from '../../../util/clean-text.ts';
import type { ConnectionAccess } from '../../connections/connection-access.ts';
import type { Examined } from '../../transfer/direction.ts';
import { explainFailure, isExplained } from './explain-failure.ts';
import type { FailedJob } from './failure-facts.ts';

/** How long the examination may take. Without its results, the message says less. */
const LOOK_MS = 10_000;
/** How many directories above a missing one are examined at most. */
const MAX_PARENTS = 64;

export interface FailedUpload extends FailedJob {
  readonly token: StageToken | undefined;
  /** Whether another run would continue what was staged if it found it: not where the file is one piece. */
  readonly isContinuable: boolean;
  /** Bytes that another run need not send if the staged file has `size` bytes. */
  keptWithin(size: number): number;
}

/** Examines what is left of a failed file, and explains the failure by it. Never rejects. */
export async function examineFailure(
  access: Pick<ConnectionAccess, 'withAnyOpen'>,
  job: FailedUpload,
  failure: CopyError,
): Promise<Examined> {
  const examined = await examineLeftOver(access, job, failure);
  const { target: path, token, bytesThere, size, oldSize } = job;
  const isOverwritten = job.inplace && (token !== undefined || bytesThere > 0);
  // If another program writes there as well, nobody knows what the target holds; the failure says so.
  if (!isOverwritten || examined.failure.code === 'target-busy') return examined;
  return { ...examined, overwritten: { path, bytesThere, size, hadContent: (oldSize ?? 0) > 0 } };
}

async function examineLeftOver(
  access: Pick<ConnectionAccess, 'withAnyOpen'>,
  job: FailedUpload,
  failure: CopyError,
): Promise<Examined> {
  if (failure.code === 'integrity' && job.inplace) {
    return { failure: await examineOverwritten(access, job, failure), bytesKept: 0, isSeen: false };
  }
  const tries = isExplained(failure);
  const isUseless = !job.inplace && (failure.code === 'integrity' || (job.partial === 'left' && !job.isContinuable));
  const discarded = async (): Promise<boolean> =>
    (await access.withAnyOpen((remote) => isDiscarded(remote, job), LOOK_MS)) === true;
  if (!tries && isUseless) {
    await discarded();
    return { failure, bytesKept: 0, isSeen: false };
  }
  const kept = job.keptWithin(Number.POSITIVE_INFINITY);
  if (!tries && kept === 0) return { failure, bytesKept: 0, isSeen: false };
  const look = (remote: RemoteConnection): Promise<Situation> => remote.examine(job.target, job.token, tries);
  const situation = await access.withAnyOpen(look, LOOK_MS);
  if (situation === undefined) return { failure, bytesKept: kept, isSeen: false };
  const seen = keptOf(job, situation, kept);
  if (!tries) return { failure, ...seen };
  // Removed only after the examination, which finds out how much room there is.
  const partial = job.partial === 'left' && (await discarded()) ? 'removed' : job.partial;
  return { failure: explainFailure(failure, situation, { ...job, partial }), ...seen };
}

/** A file that is written in place may be wrong because another program writes into it, or has replaced it. */
async function examineOverwritten(
  access: Pick<ConnectionAccess, 'withAnyOpen'>,
  { target, bytesThere }: FailedUpload,
  failure: CopyError,
): Promise<CopyError> {
  const now = await access.withAnyOpen((remote) => remote.stat(target), LOOK_MS);
  const shown = cleanText(target);
  // Our own file would not be shorter than what the server has acknowledged.
  if (now !== undefined && now.size < bytesThere) {
    const advice = 'Look at what is there now, then run the same command again.';
    return new CopyError('target-busy', `Another program replaced ${shown} while it was being written.`, { advice });
  }
  const advice = `Make sure that no other program writes into ${shown}, then run the same command again; if it happens again, suspect the server.`;
  return new CopyError('integrity', failure.message, { advice });
}

/** Removes a partial file that no other run would know of. Returns whether it is gone. */
async function isDiscarded(remote: RemoteConnection, { target, token }: FailedUpload): Promise<boolean> {
  if (token === undefined) return false;
  await remote.discard(token);
  return (await remote.examine(target, token, false)).staged?.at === 'missing';
}

function keptOf(job: FailedUpload, { staged }: Situation, kept: number): Omit<Examined, 'failure'> {
  // If the server does not say whether the file is there, it may be.
  if (staged?.at === undefined) return { bytesKept: kept, isSeen: false };
  return { bytesKept: staged.at === 'missing' ? 0 : job.keptWithin(staged.at.size), isSeen: true };
}

/**
 * Explains why the directory of the targets could not be created, by the nearest directory that exists. Never rejects.
 */
export async function examineDirectoryFailure(
  access: Pick<ConnectionAccess, 'withAnyOpen'>,
  directory: Uint8Array,
  failure: CopyError,
): Promise<CopyError> {
  if (!isExplained(failure)) return failure;
  const look = async (remote: RemoteConnection): Promise<Situation | undefined> => {
    let missing: Uint8Array = directory;
    for (let depth = 0; depth < MAX_PARENTS; depth++) {
      const parent = directoryName(missing);
      if (parent.length === 0 || (await remote.stat(parent)) !== undefined) {
        return remote.examine(missing, undefined, true);
      }
      missing = parent;
    }
    return undefined;
  };
  const situation = await access.withAnyOpen(look, LOOK_MS);
  if (situation === undefined) return failure;
  const nothing = { size: 0, bytesThere: 0, inplace: false, partial: 'left', oldSize: undefined } as const;
  return explainFailure(failure, situation, { target: directory, ...nothing });
}
