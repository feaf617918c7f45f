// A process that holds the lock on a target root for as long as it lives. Waits for a message before it begins.
import { spawn } from 'node:child_process';
import { lockTarget } from '../../src/engine/lock/target-lock.ts';
import { CopyError } from '../../src/errors.ts';
import type { HolderAnswer, HolderRequest } from './lock-holder.ts';
import { kindOfNames } from './lock-kinds.ts';

function tell(answer: HolderAnswer): void {
  process.send?.(answer);
}

process.on('message', (request: HolderRequest | 'leave') => {
  if (request === 'leave') {
    // Nothing of the test keeps this process from ending now.
    process.removeAllListeners('disconnect');
    return process.disconnect();
  }
  const { kind, server, path } = request;
  // What outlives this process must not hold the lock in its place.
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  child.unref();
  lockTarget({ server, path: Buffer.from(path, 'hex') }, { directory: undefined }, [kindOfNames(kind)])
    .then(({ warning }) => tell({ outcome: warning ?? 'held', childPid: child.pid! }))
    .catch((error: unknown) => tell({ outcome: CopyError.from(error).code, childPid: child.pid! }));
});
process.on('disconnect', () => process.exit(0));
