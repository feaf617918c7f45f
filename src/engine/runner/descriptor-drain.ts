/** Writes to a local file by its raw descriptor. */
import { writev } from 'node:fs';
import { promisify } from 'node:util';
import { CopyError } from '../../errors.ts';
import type { Drain } from '../../remotes/remote.ts';
import { systemErrorCode, systemErrorText } from '../../util/system-error.ts';
import { skipBytes } from './skip-bytes.ts';

const writevAt = promisify(writev);

/**
 * Returns a drain that writes all bytes of its views to the file of `fd`. Between the end of the file and a later
 * offset, it leaves a hole. The drain rejects with `no-space` where the disk or a quota is full, and with `local-io`
 * after any other failure; some of the bytes may be written by then.
 */
export function drainTo(fd: number): Drain {
  return async (views, offset) => {
    let rest = skipBytes(views, 0);
    let position = offset;
    while (rest.length > 0) {
      const { bytesWritten } = await writevAt(fd, rest, position).catch((error: unknown) => {
        throw sinkError(error);
      });
      // Trying again would never end.
      if (bytesWritten === 0) throw new CopyError('local-io', 'The local file takes no more bytes.');
      position += bytesWritten;
      rest = skipBytes(rest, bytesWritten);
    }
  };
}

/** The failure of a system call on the local file of a download as an error for the user. */
export function sinkError(error: unknown): CopyError {
  const code = systemErrorCode(error);
  const message = `The local file cannot be written: ${systemErrorText(error)}.`;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return new CopyError('local-io', message, { cause: error });
  return new CopyError('no-space', message, { cause: error, advice: 'Make room on the local disk.' });
}
