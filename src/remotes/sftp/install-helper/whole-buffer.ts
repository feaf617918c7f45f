/** Reads and writes a small file as one buffer. */
import type { Drain, Fill } from '../../remote.ts';

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
