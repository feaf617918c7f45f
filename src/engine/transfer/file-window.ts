/**
 * The files that are planned and not begun yet: a window of the whole transfer, so that memory is bounded however many
 * files there are. Large files are taken in descending order of their size, so that none of them is left for the end;
 * small ones in the order in which they were found, so that directories are done soon.
 */
import { type Deferred, deferred } from '../../util/deferred.ts';

/** Files in the window. */
const MAX_FILES = 10_000;

type Kind = 'small' | 'large';

export class FileWindow<File extends { readonly size: number }> {
  readonly #isSmall: (file: File) => boolean;
  readonly #maxFiles: number;
  readonly #small: File[] = [];
  /** How many of the small ones were taken. */
  #smallTaken = 0;
  /** A binary heap: no file is larger than the one at half its index. */
  readonly #large: File[] = [];
  /** Kinds of which no more come. */
  readonly #ended: Set<Kind> = new Set();
  /** Settles when something has changed for those that wait. */
  #changed: Deferred<void> | undefined;

  constructor(isSmall: (file: File) => boolean, maxFiles: number = MAX_FILES) {
    this.#isSmall = isSmall;
    this.#maxFiles = maxFiles;
  }

  get length(): number {
    return this.#small.length - this.#smallTaken + this.#large.length;
  }

  /** Resolves when there was room for the file. Once no large files come any more, the run is over: it is dropped. */
  async add(file: File): Promise<void> {
    while (this.length >= this.#maxFiles && !this.#ended.has('large')) await this.#change();
    if (this.#ended.has('large')) return;
    if (this.#isSmall(file)) this.#small.push(file);
    else this.#pushLarge(file);
    this.#tell();
  }

  /** Adds a file that is not to be copied as a small one, whatever its size is. It needs no room. */
  addLarge(file: File): void {
    this.#pushLarge(file);
    this.#tell();
  }

  /** No more files of this kind come. */
  end(kind: Kind): void {
    this.#ended.add(kind);
    this.#tell();
  }

  /** Files of this kind, each once, until no more come. Several may take files at the same time. */
  async *files(kind: Kind): AsyncGenerator<File, void, undefined> {
    for (;;) {
      const file = kind === 'small' ? this.#takeSmall() : this.#takeLarge();
      if (file !== undefined) {
        this.#tell();
        yield file;
      } else if (this.#ended.has(kind)) return;
      else await this.#change();
    }
  }

  #takeSmall(): File | undefined {
    if (this.#smallTaken === this.#small.length) return undefined;
    const file = this.#small[this.#smallTaken++];
    if (this.#smallTaken >= this.#maxFiles || this.#smallTaken === this.#small.length) {
      this.#small.splice(0, this.#smallTaken);
      this.#smallTaken = 0;
    }
    return file;
  }

  #pushLarge(file: File): void {
    const heap = this.#large;
    let at = heap.push(file) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (heap[above]!.size >= file.size) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = file;
  }

  #takeLarge(): File | undefined {
    const heap = this.#large;
    const largest = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return largest;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && heap[below + 1]!.size > heap[below]!.size) below++;
      if (heap[below]!.size <= last.size) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
    return largest;
  }

  #change(): Promise<void> {
    this.#changed ??= deferred();
    return this.#changed.promise;
  }

  #tell(): void {
    const changed = this.#changed;
    this.#changed = undefined;
    changed?.resolve();
  }
}
