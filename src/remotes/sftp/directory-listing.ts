/** The names in a directory of the server, as far as a bounded number of them goes. */
import type { Attributes } from '../remote.ts';
import type { SftpSession } from './session.ts';
import { asked, toAttributes } from './sftp-files.ts';

export interface DirectoryEntry {
  /** Hostile until it is checked. */
  readonly name: Uint8Array;
  /** Of the entry itself: links are not followed. Some servers leave them out. */
  readonly attributes: Attributes;
}

/**
 * At most `maxEntries` entries of the directory at `path` (empty: where relative paths begin), in the order of the server,
 * without `.` and `..`.
 * @throws CopyError of the destination where the directory may not be listed
 */
export async function listDirectory(
  session: SftpSession,
  path: Uint8Array,
  maxEntries: number,
): Promise<readonly DirectoryEntry[]> {
  const context = { operation: 'list', path } as const;
  const handle = await asked(session.openDirectory(path.length === 0 ? Buffer.from('.') : path), context);
  const entries: DirectoryEntry[] = [];
  try {
    while (entries.length < maxEntries) {
      const batch = await asked(session.readDirectory(handle), context);
      if (batch === 'eof') break;
      for (const { name, attributes } of batch) {
        if (!isDots(name)) entries.push({ name, attributes: toAttributes(attributes) });
      }
    }
  } finally {
    // A directory was only read: how its closing ends says nothing.
    session.closeHandle(handle).catch(() => {});
  }
  return entries.slice(0, maxEntries);
}

function isDots(name: Uint8Array): boolean {
  return name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e));
}
