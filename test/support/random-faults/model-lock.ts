/** The lock on a target root, among the runs of one process that stand for several machines. */
import type { LockPlace, TargetLock, TargetRoot } from '../../../src/engine/lock/target-lock.ts';
import { CopyError } from '../../../src/errors.ts';

const held = new Set<string>();

export async function lockTarget(root: TargetRoot, { directory }: LockPlace): Promise<TargetLock> {
  const name = `${directory} ${root.server} ${Buffer.from(root.path).toString('latin1')}`;
  if (held.has(name)) throw new CopyError('target-locked', 'Another run holds it.');
  held.add(name);
  return { release: async () => void held.delete(name) };
}

/** As the system does it when a process is killed. */
export function freeLocks(): void {
  held.clear();
}
