/** The lock on a target root: at most one run on this machine works on it. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import { systemErrorCode, systemErrorText } from '../../util/system-error.ts';
import type { LockNames } from './lock-names.ts';
import { lockRoot } from './lock-root.ts';
import type { TargetRoot } from './root-names.ts';
import { socketFiles, UnfitDirectory } from './socket-files.ts';
import { abstractNames, pipeNames } from './system-names.ts';

export type { TargetRoot } from './root-names.ts';

export interface LockPlace {
  /** Created and used where the system has no better names. Private to the user; at most 79 bytes long. */
  readonly directory: string | undefined;
}

export interface TargetLock {
  /** Set where the system supports no lock: nothing is held. A sentence that says why. */
  readonly warning?: string;
  /** Resolves when the root can be locked again. Never rejects; may be called again. */
  release(): Promise<void>;
}

/**
 * Locks `root` against every other run on this machine until the release or the end of the process, however it ends.
 * Does not wait for another run.
 * @throws {CopyError} `target-locked`: a run works on the root, on one above it or on one inside it
 */
export async function lockTarget(
  root: TargetRoot,
  place: LockPlace,
  kinds: readonly KindOfNames[] = kindsOfNames(place),
): Promise<TargetLock> {
  let reason = 'there is no directory for locks';
  for (const kind of kinds) {
    try {
      const held = await lockRoot(await kind(), root);
      return { release: () => held.free() };
    } catch (error) {
      reason = whyUnfit(error);
    }
  }
  return { warning: `A second run on the same target would not be noticed: ${reason}.`, release: async () => {} };
}

export type KindOfNames = () => LockNames | Promise<LockNames>;

/** The kinds of names that the system supports, the best first. */
export function kindsOfNames({ directory }: LockPlace, platform: NodeJS.Platform = process.platform): KindOfNames[] {
  if (platform === 'win32') return [pipeNames];
  const files = directory === undefined ? [] : [() => socketFiles(directory)];
  return platform === 'linux' || platform === 'android' ? [abstractNames, ...files] : files;
}

function whyUnfit(error: unknown): string {
  if (error instanceof UnfitDirectory) return error.message;
  // An error of this program must not look like a system without locks.
  const isOfSystem = !(error instanceof CopyError) && /^E[A-Z\d]+$/.test(systemErrorCode(error) ?? '');
  if (!isOfSystem) throw error;
  return cleanText(systemErrorText(error));
}
