import { join } from 'node:path';
import { OpenFlag } from '../../../src/remotes/sftp/codec/constants.ts';
import type { SftpSession } from '../../../src/remotes/sftp/session.ts';

export interface SyncedWrites {
  /** On the server. */
  readonly directory: string;
  readonly files: number;
  /** Of each file. */
  readonly bytes: number;
  /** Whether each file is brought to the disk before it is closed. */
  readonly isSynced: boolean;
}

async function writeFile(session: SftpSession, path: string, { bytes, isSynced }: SyncedWrites): Promise<void> {
  const handle = await session.open(Buffer.from(path), OpenFlag.write | OpenFlag.create | OpenFlag.exclusive);
  const request = session.allocateWrite(handle, bytes);
  for (const view of request.views) view.fill(1);
  await Promise.all(session.sendWrites([{ request, offset: 0 }]));
  if (isSynced) await session.fsync(handle, bytes);
  await session.closeHandle(handle, bytes);
}

/** Writes new files, one at a time on each session; what comes next goes to the session that is free first. */
export async function writeFiles(sessions: readonly SftpSession[], writes: SyncedWrites): Promise<void> {
  let next = 0;
  await Promise.all(
    sessions.map(async (session) => {
      while (next < writes.files) await writeFile(session, join(writes.directory, `file-${next++}`), writes);
    }),
  );
}
