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
 * Returns a fill that reads from the file of `fd` until all of its views are full. Where the file ends before, it rejects
 * with `source-changed`, or with `partial-refused` for the target of a copy; where it cannot be read, with `local-io`.
 */
export function fillFrom(fd: number, file: 'source' | 'target' = 'source'): Fill {
  const reads = readsOf(fd);
  const fill: Fill = async (views, offset) => {
    let rest = [...views];
    let position = offset;
    while (rest.length > 0) {
      const { bytesRead } = await readvAt(fd, rest, position).catch((error: unknown) => {
        throw new CopyError('local-io', `The ${file} cannot be read: ${systemErrorText(error)}.`, { cause: error });
      });
      if (bytesRead === 0) {
        const code = file === 'source' ? 'source-changed' : 'partial-refused';
        throw new CopyError(code, `The ${file} became shorter while it was copied.`);
      }
      position += bytesRead;
      rest = skipBytes(rest, bytesRead);
    }
  };
  return reads === undefined ? fill : (views, offset) => reads.during(() => fill(views, offset));
}
