/**
 * A remote in memory that keeps no bytes: of each file it knows the size until it is published, and all of them share the
 * same zeros.
 */
import { MemoryRemote, stagedName } from '../../../test/support/memory-remote.ts';

export class UnkeptBytes extends MemoryRemote {
  readonly #zeros: Buffer;

  /** No file may be longer than `maxSize` bytes. */
  constructor(maxSize: number) {
    super();
    this.#zeros = Buffer.alloc(maxSize);
  }

  override onPublished(target: string): void {
    this.files.delete(target);
    this.usedNames.delete(stagedName(target));
  }

  override store(path: string, offset: number, bytes: Uint8Array): void {
    const file = this.files.get(path);
    if (file === undefined) return;
    file.bytes = this.#zeros.subarray(0, Math.max(file.bytes.length, offset + bytes.length));
  }
}
