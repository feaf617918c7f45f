/** A remote in memory that keeps no bytes: of each file it knows the size, and all of them share the same zeros. */
import { MemoryRemote } from '../../../test/support/memory-remote.ts';

export class UnkeptBytes extends MemoryRemote {
  readonly #zeros: Buffer;

  /** No file may be longer than `maxSize` bytes. */
  constructor(maxSize: number) {
    super();
    this.#zeros = Buffer.alloc(maxSize);
  }

  override store(path: string, offset: number, bytes: Uint8Array): void {
    const file = this.files.get(path);
    if (file === undefined) return;
    file.bytes = this.#zeros.subarray(0, Math.max(file.bytes.length, offset + bytes.length));
  }
}
