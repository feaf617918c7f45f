/** Hands out a range of bytes from its beginning to its end, in parts of the length that is asked for. */
export interface RangeSlices {
  /** The next part, at most `maxLength` bytes; undefined when all is handed out. */
  take(maxLength: number): { readonly offset: number; readonly length: number } | undefined;
}

export function slicesOf({ offset, length }: { readonly offset: number; readonly length: number }): RangeSlices {
  let next = offset;
  const end = offset + length;
  return {
    take(maxLength) {
      if (next === end) return undefined;
      const slice = { offset: next, length: Math.min(maxLength, end - next) };
      next += slice.length;
      return slice;
    },
  };
}
