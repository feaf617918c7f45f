/** Lists directories of the server. */
import { CopyError } from '../../errors.ts';
import { HOME, isDots } from '../../util/byte-path.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { DirectoryEntry } from '../remote.ts';
import type { NameEntry } from './codec/replies.ts';
import type { SftpSession } from './session.ts';
import { toAttributes, withCodedErrors } from './sftp-files.ts';

/** How many names {@link listDirectory} reads at most. */
const MAX_NAMES = 10_000;
/** How many answers {@link listDirectory} reads at most, even if there are few names in each. */
const MAX_ANSWERS = 1000;
/** A server may send empty answers without end: after so many in a row, the listing fails. */
const MAX_EMPTY_ANSWERS = 1000;

const SLASH = 0x2f;

/**
 * The entries of the directory at `path` whose names `isWanted` accepts, in the order of the server. At most 10,000
 * names are read. An empty path means the directory at which relative paths begin.
 * @throws {CopyError} of the destination: when the directory may not be listed
 */
export async function listDirectory(
  session: SftpSession,
  path: Uint8Array,
  isWanted: (name: Uint8Array) => boolean,
): Promise<readonly DirectoryEntry[]> {
  const wanted: DirectoryEntry[] = [];
  let answers = 0;
  let names = 0;
  for await (const batch of readBatches(session, path)) {
    names += batch.length;
    for (const entry of batch) if (isWanted(entry.name)) wanted.push(toEntry(entry));
    if (++answers >= MAX_ANSWERS || names >= MAX_NAMES) break;
  }
  return wanted;
}

/**
 * All entries of the directory at `path` but `.` and `..`, in the order of the server.
 * @throws {CopyError} of the destination: when the directory may not be listed; `protocol`: when an entry is not a
 *   plain name, as it could lead out of the directory, or when the listing does not end
 */
export async function* entriesOf(session: SftpSession, path: Uint8Array): AsyncGenerator<DirectoryEntry> {
  let emptyAnswers = 0;
  for await (const batch of readBatches(session, path)) {
    emptyAnswers = batch.length === 0 ? emptyAnswers + 1 : 0;
    if (emptyAnswers >= MAX_EMPTY_ANSWERS) {
      throw new CopyError('protocol', `The server's listing of ${cleanText(path)} does not end.`);
    }
    for (const entry of batch) {
      if (isDots(entry.name)) continue;
      if (!isName(entry.name)) {
        const name = cleanText(entry.name);
        throw new CopyError('protocol', `The server lists ${name} in ${cleanText(path)}, which is not a name.`);
      }
      yield toEntry(entry);
    }
  }
}

async function* readBatches(session: SftpSession, path: Uint8Array): AsyncGenerator<readonly NameEntry[]> {
  const context = { operation: 'list', path } as const;
  const handle = await withCodedErrors(session.openDirectory(path.length === 0 ? HOME : path), context);
  try {
    for (;;) {
      const batch = await withCodedErrors(session.readDirectory(handle), context);
      if (batch === 'eof') return;
      yield batch;
    }
  } finally {
    // A failure to close does not matter, because the directory was only read.
    session.closeHandle(handle).catch(() => {});
  }
}

/** The name is copied, because it shares memory with the received chunk. */
function toEntry({ name, attributes }: NameEntry): DirectoryEntry {
  return { name: Buffer.from(name), attributes: toAttributes(attributes) };
}

function isName(name: Uint8Array): boolean {
  return name.length > 0 && !name.includes(SLASH) && !name.includes(0);
}
