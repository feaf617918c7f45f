/** Lists directories of the server. */
import { CopyError } from '../../errors.ts';
import { HOME, isDots } from '../../util/byte-path.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { DirectoryEntry } from '../remote.ts';
import type { NameEntry } from './codec/replies.ts';
import { ListingAnswers } from './listing-answers.ts';
import type { SftpSession } from './session.ts';
import { toAttributes, withCodedErrors } from './sftp-files.ts';

/** How many names {@link listDirectory} reads at most. */
const MAX_NAMES = 10_000;
/** How many answers {@link listDirectory} reads at most, even if there are few names in each. */
const MAX_ANSWERS = 1000;
/** A server may send answers without end that bring no name: after so many in a row, the listing fails. */
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
  // A name that is missed on a server that executes requests in another order does no harm here.
  for await (const batch of readBatches(session, path, true)) {
    names += batch.length;
    for (const entry of batch) if (isWanted(entry.name)) wanted.push(toEntry(entry));
    if (++answers >= MAX_ANSWERS || names >= MAX_NAMES) break;
  }
  return wanted;
}

/**
 * All entries of the directory at `path` but `.` and `..`, in the order of the server. See `RemoteConnection.list`.
 * @param isInOrder whether the server is known to execute requests in the order in which they are sent
 */
export async function* batchesOf(
  session: SftpSession,
  path: Uint8Array,
  isInOrder: boolean,
): AsyncGenerator<readonly DirectoryEntry[]> {
  let emptyAnswers = 0;
  for await (const names of readBatches(session, path, isInOrder)) {
    const entries = names.filter(({ name }) => !isDots(name)).map(toEntry);
    emptyAnswers = entries.length === 0 ? emptyAnswers + 1 : 0;
    if (emptyAnswers >= MAX_EMPTY_ANSWERS) {
      // Another connection would list the same.
      throw new CopyError('protocol', `The server's listing of ${cleanText(path)} does not end.`, { scope: 'file' });
    }
    if (entries.length > 0) yield entries;
  }
}

async function* readBatches(
  session: SftpSession,
  path: Uint8Array,
  isInOrder: boolean,
): AsyncGenerator<readonly NameEntry[]> {
  const context = { operation: 'list', path } as const;
  const handle = await withCodedErrors(session.openDirectory(path.length === 0 ? HOME : path), context);
  const answers = new ListingAnswers(session, handle);
  try {
    for (;;) {
      const batch = await withCodedErrors(answers.next(), context);
      if (batch !== 'eof') yield batch;
      // A server that executes requests in another order may have names in the answers to later ones.
      else if (isInOrder || answers.inFlight === 0) return;
    }
  } finally {
    answers.close();
  }
}

/** The name is copied, because it shares memory with the received chunk. */
function toEntry({ name, attributes }: NameEntry): DirectoryEntry {
  const entry = { name: Buffer.from(name), attributes: toAttributes(attributes) };
  return isName(name) ? entry : { ...entry, isRefused: true };
}

function isName(name: Uint8Array): boolean {
  return name.length > 0 && !name.includes(SLASH) && !name.includes(0);
}
