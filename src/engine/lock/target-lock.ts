/** The lock on a target root: one run a target on this machine. */
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
  /** Made and used where the system has no better names. Private to the user; at most 79 bytes long. */
  readonly directory: string | undefined;
}

export interface TargetLock {
  /** Set where no lock is to be had: nothing is held, and this says why, as a sentence. */
  readonly warning?: string;
  /** When it settles the root is to be had again; never rejects, may be called again. */
  release(): Promise<void>;
}

/**
 * Holds `root` against every other run on this machine, until the release or the end of the process, however it ends.
 *
 * @throws CopyError `target-locked`, at once, when a run works on the root, on one above it or on one inside.
 */
export async function lockTarget(
  root: TargetRoot,
  place: LockPlace,
  kinds: readonly KindOfNames[] = kindsOfNames(place),
): Promise<TargetLock> {
  let reason = 'there is no directory to keep locks in';
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

/** What there is, the best first. */
export function kindsOfNames({ directory }: LockPlace, platform: NodeJS.Platform = process.platform): KindOfNames[] {
  if (platform === 'win32') return [pipeNames];
  const files = directory === undefined ? [] : [() => socketFiles(directory)];
  return platform === 'linux' || platform === 'android' ? [abstractNames, ...files] : files;
}

function whyUnfit(error: unknown): string {
  if (error instanceof UnfitDirectory) return error.message;
  // A bug is not to pass for a system without locks.
  const isOfSystem = !(error instanceof CopyError) && /^E[A-Z\d]+$/.test(systemErrorCode(error) ?? '');
  if (!isOfSystem) throw error;
  return cleanText(systemErrorText(error));
}
