/** Writes a local file behind a raw descriptor. */
import { writev } from 'node:fs';
import { promisify } from 'node:util';
import { CopyError } from '../../errors.ts';
import type { Drain } from '../../remotes/remote.ts';
import { systemErrorCode, systemErrorText } from '../../util/system-error.ts';
import { skipBytes } from './skip-bytes.ts';

const writevAt = promisify(writev);

/**
 * Writes to a descriptor, whole; beyond the end of the file it leaves a hole. Rejects with `no-space` where disk or
 * quota is used up, with `local-io` for any other failure; a part may be written by then.
 */
export function drainTo(fd: number): Drain {
  return async (views, offset) => {
    let rest = skipBytes(views, 0);
    let position = offset;
    while (rest.length > 0) {
      const { bytesWritten } = await writevAt(fd, rest, position).catch((error: unknown) => {
        throw sinkError(error);
      });
      // Nobody would ever get on.
      if (bytesWritten === 0) throw new CopyError('local-io', 'The local file takes no more bytes.');
      position += bytesWritten;
      rest = skipBytes(rest, bytesWritten);
    }
  };
}

/** What the failure of a system call on the local side of a download means. */
export function sinkError(error: unknown): CopyError {
  const code = systemErrorCode(error);
  const message = `The local file cannot be written: ${systemErrorText(error)}.`;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return new CopyError('local-io', message, { cause: error });
  return new CopyError('no-space', message, { cause: error, advice: 'Make room on the local disk.' });
}
