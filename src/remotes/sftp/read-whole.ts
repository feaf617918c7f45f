/** Reads a small file of the server as a whole, in two round trips where the server executes requests in order. */
import { CopyError, UNKNOWN_SIZE_ADVICE } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { WholeFile } from '../remote.ts';
import type { FlowWindow } from './flow-window.ts';
import { lookThrough } from './looks.ts';
import { ReadHandle } from './read-handle.ts';
import type { SftpSession } from './session.ts';

export interface ReadWholeOptions {
  readonly path: Uint8Array;
  /** How many bytes the file is expected to have. */
  readonly size: number;
  /** Whether the server is known to execute requests in the order in which they are sent. */
  readonly isInOrder: boolean;
}

/** See `RemoteConnection.readWhole`. */
export async function readWhole(
  session: SftpSession,
  window: FlowWindow,
  options: ReadWholeOptions,
): Promise<WholeFile> {
  const { path } = options;
  const earlyEnd = (): CopyError => changed(path);
  let handle: ReadHandle;
  try {
    handle = await ReadHandle.open(session, window, { path, side: 'source', earlyEnd });
  } catch (error) {
    const failure = CopyError.from(error);
    throw failure.code === 'source-unreadable' ? await explained(session, path, failure) : failure;
  }
  try {
    return await readOpen(handle, options);
  } finally {
    // A failure to close does not matter, because the file was only read.
    handle.close().catch(() => {});
  }
}

/** No request for the handle is in flight when this has settled. */
async function readOpen(handle: ReadHandle, { path, size, isInOrder }: ReadWholeOptions): Promise<WholeFile> {
  const bytes = Buffer.allocUnsafe(size);
  const before = handle.attributes();
  before.catch(() => {});
  const reading = await handle.requestWhole(bytes);
  const beyond = handle.hasByteAt(size);
  // A server that executes requests in another order could look at the file before it is read.
  if (!isInOrder) await Promise.allSettled([reading.answered, beyond]);
  const after = handle.attributes();
  const [first, read, longer, last] = await Promise.allSettled([before, reading.answered, beyond, after]);
  if (first.status === 'rejected') throw first.reason;
  if (first.value.kind !== 'file') throw notAFile(path);
  if (last.status === 'rejected') throw last.reason;
  // What was asked for again was read after the file was looked at.
  const attributes = reading.hadShortAnswers() ? await handle.attributes() : last.value;
  const isSame = first.value.size === attributes.size && first.value.mtimeMs === attributes.mtimeMs;
  // The server would report the same size again, and be wrong again.
  const isWrongSize = isSame && attributes.size === size;
  if (read.status === 'rejected') throw isWrongSize ? explainedEnd(read.reason, path, size) : read.reason;
  if (longer.status === 'rejected') throw longer.reason;
  if (longer.value && isWrongSize) throw unknownSize(path, size);
  if (longer.value || !isSame) throw changed(path);
  return { bytes, attributes };
}

function explainedEnd(error: unknown, path: Uint8Array, size: number): CopyError {
  const failure = CopyError.from(error);
  return failure.code === 'source-changed' ? unknownSize(path, size) : failure;
}

/** A failure to open what is not a regular file is explained by that. */
async function explained(session: SftpSession, path: Uint8Array, failure: CopyError): Promise<CopyError> {
  const look = await lookThrough(session, path).catch(() => undefined);
  const isOther = look?.isTold && look.at !== undefined && look.at.kind !== 'file';
  return isOther ? notAFile(path) : failure;
}

function notAFile(path: Uint8Array): CopyError {
  return new CopyError('source-unsupported', `${cleanText(path)} is not a regular file.`);
}

function changed(path: Uint8Array): CopyError {
  return new CopyError('source-changed', `${cleanText(path)} changed while it was copied.`);
}

function unknownSize(path: Uint8Array, size: number): CopyError {
  const message = `${cleanText(path)} does not end at the ${size} bytes that the server reports.`;
  return new CopyError('source-changed', message, { advice: UNKNOWN_SIZE_ADVICE });
}
