/**
 * A part of ssh2 is in WebAssembly, and V8 reserves about ten GiB of address space for the memory of each WebAssembly
 * module. Where the system allows less (`ulimit -v`), ssh2 cannot be used at all.
 */
import { CopyError } from '../../../errors.ts';

/** A global of Node that is missing in its types; only the part that is used. */
declare const WebAssembly: { readonly Memory: new (limits: { initial: number }) => object };

/**
 * To be called before ssh2 is loaded, which would print messages of its own. Takes less than a millisecond.
 * @throws {CopyError} `no-memory`: when there is too little address space
 */
export function checkWasmMemory(): void {
  try {
    new WebAssembly.Memory({ initial: 1 });
  } catch (cause) {
    throw new CopyError('no-memory', 'The system allows this program too little address space.', {
      cause,
      advice: 'Raise the limit (ulimit -v) to 12 GiB, or set NODE_OPTIONS=--disable-wasm-trap-handler and allow 4 GiB.',
    });
  }
}
