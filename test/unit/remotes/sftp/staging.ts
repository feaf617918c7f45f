/** Short words for tests of staged files. */
import type { Drain, Fill } from '../../../../src/remotes/remote.ts';

export { slicesOf } from '../../../../src/util/slices-of.ts';

/** The bytes of a source: they tell their offset. */
export function sourceBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i + 4 <= size; i += 4) bytes.writeUInt32BE((i * 2654435761) >>> 0, i);
  return bytes;
}

export function fillWith(source: Buffer): Fill {
  return async (views, offset) => {
    let at = offset;
    for (const view of views) {
      view.set(source.subarray(at, at + view.length));
      at += view.length;
    }
  };
}

/** A source whose reads end in the opposite order where several are under way; one call of `write` never does that. */
export class OrderedFill {
  /** The offset of each call, in the order in which the calls were made. */
  readonly offsets: number[] = [];
  /** The most calls that were under way at once. */
  mostAtOnce = 0;
  readonly #fill: Fill;
  #underWay = 0;

  constructor(source: Buffer) {
    this.#fill = fillWith(source);
  }

  readonly fill: Fill = async (views, offset) => {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#underWay);
    const turns = Math.max(0, 5 - this.offsets.push(offset));
    for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
    await this.#fill(views, offset);
    this.#underWay--;
  };
}

/** What is drained comes together in `bytes`; no byte may come twice. */
export class Sink {
  readonly bytes: Buffer;
  readonly #seen: Uint8Array;

  constructor(size: number) {
    this.bytes = Buffer.alloc(size);
    this.#seen = new Uint8Array(size);
  }

  /** Bytes that have come. */
  get total(): number {
    return this.#seen.reduce((sum, n) => sum + n, 0);
  }

  readonly drain: Drain = async (views, offset) => {
    let at = offset;
    for (const view of views) {
      if (this.#seen.subarray(at, at + view.length).includes(1)) throw new Error(`A byte from ${at} on came twice`);
      this.#seen.fill(1, at, at + view.length);
      this.bytes.set(view, at);
      at += view.length;
    }
  };
}
