/** A whole file as one buffer, for what is small. */
import type { Drain, Fill, Slices } from '../../remote.ts';

export function slicesOf(length: number): Slices {
  let offset = 0;
  return {
    take(maxLength) {
      if (offset === length) return undefined;
      const slice = { offset, length: Math.min(maxLength, length - offset) };
      offset += slice.length;
      return slice;
    },
  };
}

export function fillFrom(bytes: Uint8Array): Fill {
  return async (views, offset) => {
    let at = offset;
    for (const view of views) {
      view.set(bytes.subarray(at, at + view.length));
      at += view.length;
    }
  };
}

export function drainInto(bytes: Uint8Array): Drain {
  return async (views, offset) => {
    let at = offset;
    for (const view of views) {
      bytes.set(view, at);
      at += view.length;
    }
  };
}
