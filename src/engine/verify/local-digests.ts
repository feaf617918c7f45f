/** Digests of ranges of the local file, each computed once: verification and journal ask for the same. */
import { createHash } from 'node:crypto';
import type { DigestAlgorithm, Range } from '../../remotes/remote.ts';
import { fillFrom } from '../local-source.ts';

/** So much at a time that the connections hardly notice. */
const STEP = 256 * 1024;
/** Only a tiny --piece-size on a huge file has more pieces; then some are hashed twice. */
const MAX_KEPT = 131_072;

export class LocalDigests {
  readonly #fd: number;
  readonly #kept: Map<string, Promise<Buffer>> = new Map();

  /** `fd` must stay open. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** @throws CopyError `source-changed` where the file is shorter, `local-io` */
  digest(range: Range, algorithm: DigestAlgorithm): Promise<Buffer> {
    const key = `${algorithm} ${range.offset} ${range.length}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const digest = this.#hash(range, algorithm);
    if (this.#kept.size >= MAX_KEPT) return digest;
    this.#kept.set(key, digest);
    digest.catch(() => this.#kept.delete(key));
    return digest;
  }

  async #hash({ offset, length }: Range, algorithm: DigestAlgorithm): Promise<Buffer> {
    const fill = fillFrom(this.#fd);
    const hash = createHash(algorithm);
    const buffer = Buffer.allocUnsafe(Math.min(STEP, length));
    for (let done = 0; done < length; ) {
      const part = buffer.subarray(0, Math.min(STEP, length - done));
      await fill([part], offset + done);
      hash.update(part);
      done += part.length;
    }
    return hash.digest();
  }
}
