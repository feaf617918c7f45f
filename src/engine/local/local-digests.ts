/**
 * Digests of ranges of the local file. Verification and journal ask for the same ranges, so each digest is computed
 * once and kept, until the range is written again. A range that was not hashed while it was sent or received is read.
 *
 * What can go wrong: the file becomes shorter, or cannot be read; then the digest rejects, and is computed again when
 * it is asked for again. At most {@link MAX_READS} ranges are read at the same time, and at most {@link MAX_KEPT}
 * digests are kept.
 */
import { createHash } from 'node:crypto';
import type { DigestAlgorithm, Fill, Range } from '../../remotes/remote.ts';

/**
 * Bytes that are read and hashed at once: few, because hashing blocks the thread, and its connections wait meanwhile.
 */
const STEP = 1024 * 1024;
/**
 * Ranges that are read at the same time. Each has two buffers of {@link STEP}. More would not be faster, because all
 * hashing is done by this thread.
 */
const MAX_READS = 2;
/** Digests that are kept, several for each of the 16,384 pieces that a file has at most. Others are computed again. */
const MAX_KEPT = 131_072;
/** The length of a section of the file. What is to be forgotten is found by section, not by looking at all digests. */
const SECTION = 64 * 1024 * 1024;

interface Kept {
  readonly range: Range;
  readonly digest: Promise<Buffer>;
}

export class LocalDigests {
  readonly #fill: Fill;
  readonly #kept: Map<string, Kept> = new Map();
  /** The keys of the kept digests, by section. */
  readonly #keys: Map<number, Set<string>> = new Map();
  #reads = 0;
  readonly #waiting: (() => void)[] = [];

  /** `fill` reads the file. */
  constructor(fill: Fill) {
    this.#fill = fill;
  }

  /** @throws {CopyError} `source-changed`: the file is shorter; `local-io`: it cannot be read */
  digest(range: Range, algorithm: DigestAlgorithm): Promise<Buffer> {
    const key = keyOf(range, algorithm);
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept.digest;
    const digest = this.#hash(range, algorithm);
    const entry = { range, digest };
    this.#keep(key, entry);
    digest.catch(() => {
      if (this.#kept.get(key) === entry) this.#drop(key, entry);
    });
    return digest;
  }

  /**
   * The digests of many ranges, computed one after another.
   * @throws {CopyError} as {@link digest}
   */
  async digests(ranges: readonly Range[], algorithm: DigestAlgorithm): Promise<Buffer[]> {
    const digests: Buffer[] = [];
    for (const range of ranges) digests.push(await this.digest(range, algorithm));
    return digests;
  }

  /**
   * The digest of a range that is not asked for again: it is not kept.
   * @throws {CopyError} as {@link digest}
   */
  digestOnce(range: Range, algorithm: DigestAlgorithm): Promise<Buffer> {
    return this.#kept.get(keyOf(range, algorithm))?.digest ?? this.#hash(range, algorithm);
  }

  /**
   * Whether the range has still the contents of which a digest is kept: it is read once more. True where none is kept.
   * @throws {CopyError} as {@link digest}
   */
  async isAsKept(range: Range, algorithm: DigestAlgorithm): Promise<boolean> {
    const kept = await this.#kept.get(keyOf(range, algorithm))?.digest;
    return kept === undefined || kept.equals(await this.#hash(range, algorithm));
  }

  /** Takes a digest that was computed while the range was read to be sent, or written. */
  learn(range: Range, algorithm: DigestAlgorithm, digest: Uint8Array): void {
    this.#keep(keyOf(range, algorithm), { range, digest: Promise.resolve(Buffer.from(digest)) });
  }

  /** To be called before anything in `range` is written: what is known of it does not hold any more. */
  forget(range: Range): void {
    for (const section of sectionsOf(range)) {
      for (const key of this.#keys.get(section) ?? []) {
        const kept = this.#kept.get(key)!;
        if (overlap(kept.range, range)) this.#drop(key, kept);
      }
    }
  }

  #keep(key: string, kept: Kept): void {
    if (!this.#kept.has(key) && this.#kept.size >= MAX_KEPT) return;
    this.#kept.set(key, kept);
    for (const section of sectionsOf(kept.range)) {
      const keys = this.#keys.get(section);
      if (keys === undefined) this.#keys.set(section, new Set([key]));
      else keys.add(key);
    }
  }

  #drop(key: string, { range }: Kept): void {
    this.#kept.delete(key);
    for (const section of sectionsOf(range)) this.#keys.get(section)?.delete(key);
  }

  async #hash(range: Range, algorithm: DigestAlgorithm): Promise<Buffer> {
    if (this.#reads < MAX_READS) this.#reads++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await this.#read(range, algorithm);
    } finally {
      // The next waiting read takes the place of this one, so that no other can begin in between.
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

function* sectionsOf({ offset, length }: Range): Generator<number> {
  for (let section = Math.floor(offset / SECTION); section * SECTION < offset + length; section++) yield section;
}

function overlap(one: Range, other: Range): boolean {
  return one.offset < other.offset + other.length && other.offset < one.offset + one.length;
}

function keyOf({ offset, length }: Range, algorithm: DigestAlgorithm): string {
  return `${algorithm} ${offset} ${length}`;
}
