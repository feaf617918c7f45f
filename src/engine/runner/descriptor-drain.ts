/** Writes to a local file by its raw descriptor. */
import { writev } from 'node:fs';
import { promisify } from 'node:util';
import { CopyError } from '../../errors.ts';
import type { Drain } from '../../remotes/remote.ts';
import { skipBytes } from './skip-bytes.ts';
import { targetError } from './target-error.ts';

const writevAt = promisify(writev);
/** The most bytes, and views, that are written by one call of the system. */
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_VIEWS = 512;

/** What one call of a drain is to write. */
interface Part {
  readonly views: readonly Uint8Array[];
  readonly offset: number;
  readonly length: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Returns a drain that writes all bytes of its views to the file of `fd`. Between the end of the file and a later
 * offset, it leaves a hole. The drain rejects with `no-space` where the disk or a quota is full, and with `local-io`
 * after any other failure; some of the bytes may be written by then.
 *
 * One write is in progress at a time. What arrives meanwhile is written by the next one, as far as it is consecutive,
 * because each write wakes a thread of the pool.
 */
export function drainTo(fd: number): Drain {
  const waiting: Part[] = [];
  let isWriting = false;
  const writeAll = async (): Promise<void> => {
    isWriting = true;
    // What else arrives in this turn of the event loop is written with it.
    await null;
    while (waiting.length > 0) {
      const parts = waiting.splice(0, consecutive(waiting));
      try {
        await writeViews(
          fd,
          parts.flatMap(({ views }) => views),
          parts[0]!.offset,
        );
        for (const { resolve } of parts) resolve();
      } catch (error) {
        for (const { reject } of parts) reject(error);
      }
    }
    isWriting = false;
  };
  return (views, offset) =>
    new Promise((resolve, reject) => {
      const length = views.reduce((sum, view) => sum + view.length, 0);
      waiting.push({ views, offset, length, resolve, reject });
      if (!isWriting) void writeAll();
    });
}

/** How many of the parts, from the first one on, can be written together. */
function consecutive(parts: readonly Part[]): number {
  let count = 1;
  let { length } = parts[0]!;
  let views = parts[0]!.views.length;
  for (; count < parts.length; count++) {
    const { offset, length: more, views: moreViews } = parts[count]!;
    if (offset !== parts[0]!.offset + length || length + more > MAX_BYTES || views + moreViews.length > MAX_VIEWS)
      break;
    length += more;
    views += moreViews.length;
  }
  return count;
}

async function writeViews(fd: number, views: readonly Uint8Array[], offset: number): Promise<void> {
  let rest = skipBytes(views, 0);
  let position = offset;
  while (rest.length > 0) {
    const { bytesWritten } = await writevAt(fd, rest, position).catch((error: unknown) => {
      throw targetError(error, 'The local file');
    });
    // Trying again would never end.
    if (bytesWritten === 0) throw new CopyError('local-io', 'The local file takes no more bytes.');
    position += bytesWritten;
    rest = skipBytes(rest, bytesWritten);
  }
}
