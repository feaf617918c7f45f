/** A file of the model server: what it has in its cache, and what of that survives a crash. */
import type { Attributes, Range } from '../../../src/remotes/remote.ts';
import { RangeSet } from '../../../src/util/range-set.ts';

export class Inode {
  /** The run that created it, and the version of the source that this run copied. */
  readonly createdBy: RunMark | undefined;
  mode: number;
  isFailureTold = false;
  mtimeMs: number;
  #bytes: Buffer;
  /** What #bytes is the beginning of. */
  #room: Buffer;
  #durable: Buffer;
  /** Written since the last sync. */
  #dirty: Range[] = [];
  /** What the disk did not take. */
  #refused: RangeSet = new RangeSet();

  constructor(bytes: Buffer, nowMs: number, createdBy?: RunMark, mode = 0o600) {
    this.#bytes = bytes;
    this.#room = bytes;
    this.#durable = Buffer.from(bytes);
    this.mtimeMs = nowMs;
    this.createdBy = createdBy;
    this.mode = mode;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get attributes(): Attributes {
    // SFTP knows whole seconds only.
    const mtimeMs = Math.floor(this.mtimeMs / 1000) * 1000;
    return { kind: 'file', size: this.#bytes.length, mtimeMs, atimeMs: mtimeMs, mode: this.mode };
  }

  write(offset: number, bytes: Uint8Array, nowMs: number): void {
    this.#resize(Math.max(offset + bytes.length, this.#bytes.length));
    this.#bytes.set(bytes, offset);
    const written = { offset, length: bytes.length };
    this.#dirty.push(written);
    this.#refused.remove(written);
    this.mtimeMs = nowMs;
  }

  truncate(size: number, nowMs: number): void {
    this.#resize(size);
    this.#dirty.push({ offset: size, length: 0 });
    this.mtimeMs = nowMs;
  }

  sync(): void {
    const before = this.#durable;
    this.#durable = Buffer.from(this.#bytes);
    for (const { offset, length } of this.#refused) {
      this.#durable.fill(0, Math.min(offset, this.#durable.length), Math.min(offset + length, this.#durable.length));
      if (offset < before.length) before.copy(this.#durable, offset, offset, offset + length);
    }
    this.#dirty = [];
  }

  /** Whether the disk did not take something, and nobody has been told of it. */
  get hasUntoldFailure(): boolean {
    return !this.#refused.isEmpty && !this.isFailureTold;
  }

  /** The disk did not take it. Once that is told, the next sync says OK, as systems do, and does nothing for it. */
  failSync(): void {
    for (const range of this.#dirty) this.#refused.add(range);
    this.#dirty = [];
  }

  /** Of what was not synced only a part survives: any part, also where the size tells of more. */
  crash(random: () => number): void {
    if (this.#dirty.length === 0 && this.#refused.isEmpty) return;
    const keepsSize = random() < 0.5;
    const survivors = this.#dirty.filter(() => random() < 0.5);
    const end = Math.max(this.#durable.length, ...survivors.map(({ offset, length }) => offset + length));
    const bytes = Buffer.alloc(keepsSize ? this.#bytes.length : Math.min(end, this.#bytes.length));
    this.#durable.copy(bytes);
    for (const { offset, length } of survivors) {
      if (offset < this.#bytes.length) this.#bytes.copy(bytes, offset, offset, offset + length);
    }
    this.#bytes = bytes;
    this.#room = bytes;
    this.#refused = new RangeSet();
    this.sync();
  }

  /** Into room that is kept for growing: files grow by many small writes. */
  #resize(size: number): void {
    const before = this.#bytes.length;
    if (this.#room.length < size) {
      const room = Buffer.alloc(2 * size);
      this.#bytes.copy(room);
      this.#room = room;
    }
    this.#bytes = this.#room.subarray(0, size);
    if (size > before) this.#bytes.fill(0, before);
  }
}

/** One run of the program. */
export interface RunMark {
  readonly number: number;
  /** Journals in different directories know nothing of each other. */
  readonly machine: number;
  /** Of the source. */
  readonly version: string;
}
