/** The digest of a range of the local file, by which a later run tells that it is still the same. */
import { createHash } from 'node:crypto';
import type { Range } from '../../remotes/remote.ts';
import { fillFrom } from '../local-source.ts';

/** So much at a time that the connections hardly notice. */
const STEP = 256 * 1024;

/**
 * SHA-256 of a range, as hex.
 * @throws CopyError `source-changed` where the file is shorter, `local-io`
 */
export async function digestRange(fd: number, { offset, length }: Range): Promise<string> {
  const fill = fillFrom(fd);
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(STEP, length));
  for (let done = 0; done < length; ) {
    const part = buffer.subarray(0, Math.min(STEP, length - done));
    await fill([part], offset + done);
    hash.update(part);
    done += part.length;
  }
  return hash.digest('hex');
}
