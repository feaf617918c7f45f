import { basename, join } from 'node:path';
import type { JournalStore } from '../../src/engine/resume/file-journal.ts';

/**
 * Journals in a temporary directory, which also names the server: the lock on a target is one of the whole machine, so
 * that another run of the same tests must have another target. Without a journal the server is not asked what it still
 * has.
 */
export function journalsIn(dir: string): JournalStore {
  const onFailed = (error: Error): never => {
    throw error;
  };
  const identity = { host: basename(dir), port: 22, user: 'u' };
  return { directory: join(dir, 'state'), identity, resume: true, machine: 'm', onFailed };
}
