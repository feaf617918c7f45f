/** Reads a local file by its raw descriptor, which other threads may read from too. */
import { readv } from 'node:fs';
import { promisify } from 'node:util';
import { CopyError } from '../../errors.ts';
import type { Fill } from '../../remotes/remote.ts';
import { systemErrorText } from '../../util/system-error.ts';
import { readsOf } from './descriptor-reads.ts';
import { skipBytes } from './skip-bytes.ts';

const readvAt = promisify(readv);

/**
 * Returns a fill that reads from the file of `fd` until all of its views are full. The fill rejects with
 * `source-changed` where the file ends before, and with `local-io` where it cannot be read.
 */
export function fillFrom(fd: number): Fill {
  const reads = readsOf(fd);
  const fill: Fill = async (views, offset) => {
    let rest = [...views];
    let position = offset;
    while (rest.length > 0) {
      const { bytesRead } = await readvAt(fd, rest, position).catch((error: unknown) => {
        throw new CopyError('local-io', `The source cannot be read: ${systemErrorText(error)}.`, { cause: error });
      });
      if (bytesRead === 0) throw new CopyError('source-changed', 'The source became shorter while it was copied.');
      position += bytesRead;
      rest = skipBytes(rest, bytesRead);
    }
  };
  return reads === undefined ? fill : (views, offset) => reads.during(() => fill(views, offset));
}
