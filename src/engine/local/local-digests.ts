/**
 * Digests of ranges of the local file, each computed once: verification and journal ask for the same. What was not hashed
 * while it was sent is read for it.
 */
import { createHash } from 'node:crypto';
import type { DigestAlgorithm, Fill, Range } from '../../remotes/remote.ts';
import { fillFrom } from '../runner/descriptor-fill.ts';

/** So much at a time that the connections hardly notice. */
const STEP = 1024 * 1024;
/** Ranges that are read at once. Each has two buffers of {@link STEP}; hashing keeps one processor busy anyway. */
const MAX_READS = 2;
/** Only a tiny --piece-size on a huge file has more pieces; then some are hashed twice. */
const MAX_KEPT = 131_072;

export class LocalDigests {
  readonly #fill: Fill;
  readonly #kept: Map<string, Promise<Buffer>> = new Map();
  #reads = 0;
  readonly #waiting: (() => void)[] = [];

  /** `fd` must stay open. */
  constructor(fd: number) {
    this.#fill = fillFrom(fd);
  }

  /** @throws CopyError `source-changed` where the file is shorter, `local-io` */
  digest(range: Range, algorithm: DigestAlgorithm): Promise<Buffer> {
    const key = keyOf(range, algorithm);
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const digest = this.#hash(range, algorithm);
    this.#keep(key, digest);
    digest.catch(() => this.#kept.delete(key));
    return digest;
  }

  /** Those of many ranges, in order and one after another. Rejects as {@link digest} does. */
  async digests(ranges: readonly Range[], algorithm: DigestAlgorithm): Promise<Buffer[]> {
    const digests: Buffer[] = [];
    for (const range of ranges) digests.push(await this.digest(range, algorithm));
    return digests;
  }

  /** Of what nobody will ask for again: it is not kept. Throws as {@link digest} does. */
  digestOnce(range: Range, algorithm: DigestAlgorithm): Promise<Buffer> {
    return this.#kept.get(keyOf(range, algorithm)) ?? this.#hash(range, algorithm);
  }

  /** It was hashed while it was read to be sent. */
  learn(range: Range, algorithm: DigestAlgorithm, digest: Uint8Array): void {
    this.#keep(keyOf(range, algorithm), Promise.resolve(Buffer.from(digest)));
  }

  #keep(key: string, digest: Promise<Buffer>): void {
    if (this.#kept.has(key) || this.#kept.size < MAX_KEPT) this.#kept.set(key, digest);
  }

  async #hash(range: Range, algorithm: DigestAlgorithm): Promise<Buffer> {
    if (this.#reads < MAX_READS) this.#reads++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await this.#read(range, algorithm);
    } finally {
      // Whoever waits takes the place over, so that no third one can come in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#reads--;
      else next();
    }
  }

  async #read({ offset, length }: Range, algorithm: DigestAlgorithm): Promise<Buffer> {
    const hash = createHash(algorithm);
    // The next part is read while this one is hashed.
    const buffers = [0, 1].map(() => Buffer.allocUnsafe(Math.min(STEP, length)));
    const read = async (at: number): Promise<Buffer> => {
      const part = buffers[(at / STEP) % 2]!.subarray(0, Math.max(0, Math.min(STEP, length - at)));
      if (part.length > 0) await this.#fill([part], offset + at);
      return part;
    };
    let next = read(0);
    for (let at = 0; at < length; at += STEP) {
      const part = await next;
      next = read(at + STEP);
      hash.update(part);
    }
    await next;
    return hash.digest();
  }
}

function keyOf({ offset, length }: Range, algorithm: DigestAlgorithm): string {
  return `${algorithm} ${offset} ${length}`;
}
