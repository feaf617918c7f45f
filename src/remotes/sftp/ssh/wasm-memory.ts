/**
 * ssh2 has a part in WebAssembly, and V8 reserves some ten GiB of address space for the memory of any such part. Where
 * the system allows less (`ulimit -v`), ssh2 cannot be used, whatever it is used for.
 */
import { CopyError } from '../../../errors.ts';

/** The part that is used of a global of Node that its types lack. */
declare const WebAssembly: { readonly Memory: new (limits: { initial: number }) => object };

/**
 * To be called before ssh2 is loaded, which otherwise prints lines of its own. Takes less than a millisecond.
 * @throws {CopyError} `no-memory`
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
