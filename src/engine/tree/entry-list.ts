/**
 * The entries of one directory in little memory, because a directory may have millions of them: names lie one after
 * another in one buffer, and attributes in columns.
 */
import { CopyError } from '../../errors.ts';
import type { Attributes } from '../../remotes/remote.ts';

/** How many entries a directory may have. */
export const MAX_ENTRIES = 2_000_000;
/** How many entries of directories may be held at a time. */
const MAX_HELD = 4_000_000;

const KINDS: readonly Attributes['kind'][] = ['file', 'directory', 'link', 'other'];
/** Entries that there is room for at first. Most directories have few. */
const FIRST_CAPACITY = 64;

/** Bounds the memory of all lists of a walk together. */
export class EntryBudget {
  readonly #max: number;
  #held = 0;

  constructor(max: number = MAX_HELD) {
    this.#max = max;
  }

  /** Whether one more entry may be held. */
  take(): boolean {
    if (this.#held >= this.#max) return false;
    this.#held++;
    return true;
  }

  give(count: number): void {
    this.#held -= count;
  }
}

export class EntryList {
  readonly #budget: EntryBudget;
  #length = 0;
  #names: Buffer = Buffer.allocUnsafe(64 * FIRST_CAPACITY);
  /** Where each name ends. */
  #ends = new Uint32Array(FIRST_CAPACITY);
  #sizes = new Float64Array(FIRST_CAPACITY);
  /** Milliseconds; NaN: unknown. */
  #mtimes = new Float64Array(FIRST_CAPACITY);
  /** The kind, and above it the mode plus one; 0 above it: the mode is unknown. */
  #modes = new Uint32Array(FIRST_CAPACITY);
  #byName: Map<string, number> | undefined;

  constructor(budget: EntryBudget = new EntryBudget()) {
    this.#budget = budget;
  }

  get length(): number {
    return this.#length;
  }

  /** @throws {CopyError} `too-many-entries`: the directory has more than {@link MAX_ENTRIES}, or too many are held */
  add(name: Uint8Array, { kind, size, mtimeMs, mode }: Attributes): void {
    if (this.#length >= MAX_ENTRIES || !this.#budget.take()) {
      throw new CopyError('too-many-entries', 'It has too many entries.');
    }
    const index = this.#length++;
    if (index === this.#ends.length) this.#growColumns(2 * index);
    const offset = index === 0 ? 0 : this.#ends[index - 1]!;
    const end = offset + name.length;
    if (end > this.#names.length) this.#growNames(end);
    this.#names.set(name, offset);
    this.#ends[index] = end;
    this.#sizes[index] = size;
    this.#mtimes[index] = mtimeMs ?? Number.NaN;
    this.#modes[index] = KINDS.indexOf(kind) + KINDS.length * (mode === undefined ? 0 : mode + 1);
  }

  /** Shares memory with the list. */
  name(index: number): Buffer {
    return this.#names.subarray(index === 0 ? 0 : this.#ends[index - 1], this.#ends[index]);
  }

  kind(index: number): Attributes['kind'] {
    return KINDS[this.#modes[index]! % KINDS.length]!;
  }

  attributes(index: number): Attributes {
    const mtimeMs = this.#mtimes[index]!;
    const mode = Math.floor(this.#modes[index]! / KINDS.length) - 1;
    return {
      kind: this.kind(index),
      size: this.#sizes[index]!,
      ...(!Number.isNaN(mtimeMs) && { mtimeMs }),
      ...(mode >= 0 && { mode }),
    };
  }

  /** The index of the first entry of this name; undefined: there is none. */
  find(name: Uint8Array): number | undefined {
    this.#byName ??= this.#indexed();
    return this.#byName.get(keyOf(name));
  }

  /** The entries are not needed any more. */
  release(): void {
    this.#budget.give(this.#length);
  }

  #indexed(): Map<string, number> {
    const byName = new Map<string, number>();
    // From the last to the first, so that the first of several entries of a name counts.
    for (let index = this.length - 1; index >= 0; index--) byName.set(keyOf(this.name(index)), index);
    return byName;
  }

  #growNames(length: number): void {
    const names = Buffer.allocUnsafe(Math.max(length, 2 * this.#names.length));
    this.#names.copy(names);
    this.#names = names;
  }

  #growColumns(capacity: number): void {
    this.#ends = grown(this.#ends, new Uint32Array(capacity));
    this.#sizes = grown(this.#sizes, new Float64Array(capacity));
    this.#mtimes = grown(this.#mtimes, new Float64Array(capacity));
    this.#modes = grown(this.#modes, new Uint32Array(capacity));
  }
}

function grown<Column extends Uint32Array | Float64Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}

function keyOf(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1');
}
