/** Short words for tests of staged files. */
import type { Fill, Range, Slices } from '../../../../src/remotes/remote.ts';

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

/** Hands out one range, as much at a time as is asked for. */
export function slicesOf({ offset, length }: Range): Slices {
  let next = offset;
  const end = offset + length;
  return {
    take(maxLength) {
      if (next === end) return undefined;
      const range = { offset: next, length: Math.min(maxLength, end - next) };
      next += range.length;
      return range;
    },
  };
}
