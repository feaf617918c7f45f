/** What a journal is about, for the tests beside it. */
import type { JournalHeader } from '../../../../src/engine/resume/journal-records.ts';

export const digestA: string = 'a'.repeat(64);
export const digestB: string = 'b'.repeat(64);

export function sampleHeader(size = 1000): JournalHeader {
  return {
    direction: 'upload',
    machine: 'm',
    sourcePath: '/source',
    source: {
      size,
      mtimeNs: 1_700_000_000_123_456_789n,
      ctimeNs: -5n,
      inode: 12n,
      device: 18_446_744_073_709_551_615n,
    },
    targetPath: '/target',
    token: { target: '/target', partial: '/.target.mtpart', stage: '0123' },
    pieceSize: 65536,
  };
}
