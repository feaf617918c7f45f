/** What is kept for another run: the journal of 16,384 pieces, written while they become durable, and read again. */
import { createHash } from 'node:crypto';
import type { LocalDigests } from '../../../src/engine/local/local-digests.ts';
import { openSource } from '../../../src/engine/local/local-source.ts';
import { FileJournal, type JournalStore } from '../../../src/engine/resume/file-journal.ts';
import { type ReopenedSource, reopenStaged } from '../../../src/engine/upload/stages/reopen-staged.ts';
import type { RemoteConnection, Staged, StageToken } from '../../../src/remotes/remote.ts';
import { RangeSet } from '../../../src/util/range-set.ts';
import { PIECE_SIZE, PIECES, TIB, withSparseFile } from './engine-scene.ts';

/** Pieces that become durable with one sync. */
const PIECES_A_SYNC = 16;

const TARGET = Buffer.from('/target');
const TOKEN: StageToken = { stage: '/target.staged' };

function digestOf(offset: number): Buffer {
  return createHash('sha256').update(String(offset)).digest();
}

/** Digests that cost nothing: only what is done with them is measured. */
const local = {
  digest: async ({ offset }) => digestOf(offset),
  digestOnce: async ({ offset }) => digestOf(offset),
} as Partial<LocalDigests> as LocalDigests;

const staged = {
  token: TOKEN,
  found: { kind: 'file', size: TIB },
  cutOff: async () => {},
  close: async () => {},
} as Partial<Staged> as Staged;
const remote = { reopen: async () => staged } as Partial<RemoteConnection> as RemoteConnection;

export function journal(): Promise<void> {
  return withSparseFile(async (path, directory) => {
    const source = await openSource(Buffer.from(path));
    try {
      const journals: JournalStore = {
        directory,
        identity: { host: 'h', port: 22, user: 'u' },
        machine: 'm',
        resume: true,
        onFailed: (error) => {
          throw error;
        },
      };
      const { size, mtimeMs, identity } = source;
      const about = { direction: 'upload', sourcePath: path, source: identity, targetPath: String(TARGET) } as const;
      const subject = { ...about, target: TARGET, size, mtimeMs, local };
      const opened = (): Promise<FileJournal> => FileJournal.open(journals, subject);
      await write(await opened());
      await resume(await opened(), source);
    } finally {
      await source.close();
    }
  });
}

/** Verification lags behind by one sync. */
async function write(resumed: FileJournal): Promise<void> {
  await resumed.begin(TOKEN, PIECE_SIZE);
  const durable = new RangeSet();
  for (let piece = 0; piece < PIECES; piece += PIECES_A_SYNC) {
    const verifiedBefore = piece * PIECE_SIZE;
    durable.add({ offset: verifiedBefore, length: PIECES_A_SYNC * PIECE_SIZE });
    resumed.sawStaged({ kind: 'file', size: verifiedBefore + PIECES_A_SYNC * PIECE_SIZE });
    await resumed.noteAcknowledged(durable);
    await resumed.note(new RangeSet(durable), async () => true, {
      verified: new RangeSet([{ offset: 0, length: verifiedBefore }]),
    });
  }
  await resumed.close();
}

/** Each piece is found to be right, in a batch of its own. */
async function resume(resumed: FileJournal, source: ReopenedSource): Promise<void> {
  const reopened = await reopenStaged(remote, resumed, source, async () => true);
  if (reopened?.by !== 'digests') throw new Error('The journal is not continued');
  for (let piece = 0; piece < PIECES; piece++) {
    const { right, wrong } = await resumed.stillNoted([]);
    await resumed.forget(wrong);
    if (right.length > 0) throw new Error('Nothing was asked for');
  }
  if (resumed.keptWithin(TIB) === 0) throw new Error('Nothing is kept');
  await resumed.close();
}
