/** The names in a directory of the server, as far as a bounded number of them goes. */
import type { Attributes } from '../remote.ts';
import type { SftpSession } from './session.ts';
import { asked, toAttributes } from './sftp-files.ts';

/** Names of a directory that are looked at. */
const MAX_NAMES = 10_000;
/** Answers that are read, however little is in each: a server may send empty ones without end. */
const MAX_ANSWERS = 1000;

export interface DirectoryEntry {
  /** Hostile until it is checked. */
  readonly name: Uint8Array;
  /** Of the entry itself: links are not followed. Some servers leave them out. */
  readonly attributes: Attributes;
}

/**
 * The entries of the directory at `path` (empty: where relative paths begin) that `isWanted` accepts by their names, in the
 * order of the server; at most 10,000 names are looked at.
 * @throws CopyError of the destination where the directory may not be listed
 */
export async function listDirectory(
  session: SftpSession,
  path: Uint8Array,
  isWanted: (name: Uint8Array) => boolean,
): Promise<readonly DirectoryEntry[]> {
  const context = { operation: 'list', path } as const;
  const handle = await asked(session.openDirectory(path.length === 0 ? Buffer.from('.') : path), context);
  const wanted: DirectoryEntry[] = [];
  try {
    for (let answers = 0, names = 0; answers < MAX_ANSWERS && names < MAX_NAMES; answers++) {
      const batch = await asked(session.readDirectory(handle), context);
      if (batch === 'eof') break;
      names += batch.length;
      for (const { name, attributes } of batch) {
        if (isWanted(name)) wanted.push({ name: Buffer.from(name), attributes: toAttributes(attributes) });
      }
    }
  } finally {
    // A directory was only read: how its closing ends says nothing.
    session.closeHandle(handle).catch(() => {});
  }
  return wanted;
}
