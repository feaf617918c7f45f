/** Checks before anything is written that a run may write to its destination. */
import { lockTarget, type TargetLock } from '../lock/target-lock.ts';
import type { JobServices, LockRoot } from './direction.ts';
import { noDigests } from './job-verification.ts';

/**
 * Locks the destination against other runs. Undefined: no lock is taken, because nothing is kept for another run.
 * @throws {CopyError} `target-locked`: another run has the lock; `no-digests`: verification by digests is demanded, and
 *   the server cannot compute any
 */
export async function lockDestination(
  { options, journals, digests, report, signal }: JobServices,
  { path, isLocal }: LockRoot,
): Promise<TargetLock | undefined> {
  let lock: TargetLock | undefined;
  if (journals !== undefined) {
    const { user, host, port, via } = journals.identity;
    const server = `${user}@${host}:${port}${via === undefined ? '' : ` via ${via}`}`;
    // A local path is the same for every server that files come from.
    lock = await lockTarget({ server: isLocal ? '' : server, path }, journals);
    if (lock.warning !== undefined) report.notice('not-locked', lock.warning, 'warning');
  }
  try {
    if (options.verify === 'hash' && !(await digests.isAvailable())) {
      signal.throwIfAborted();
      throw noDigests(isLocal);
    }
    return lock;
  } catch (error) {
    await lock?.release();
    throw error;
  }
}
