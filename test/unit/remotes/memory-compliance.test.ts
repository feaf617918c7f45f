import { describe } from 'vitest';
import { MemoryRemote } from '../../support/memory-remote.ts';
import { complianceOfRemote } from './remote-compliance.ts';

describe.each([true, false])('a remote in memory that copies files: %s', (copiesFiles) => {
  complianceOfRemote(async () => {
    const connection = await new MemoryRemote({ copiesFiles }).connect(1, new AbortController().signal);
    return { connection, directory: '/home', copiesRanges: copiesFiles };
  });
});
