/**
 * The files that have bytes to hand out now, in the order in which they were added to the scheduler. Either all
 * connections may work on a file, or one of them.
 */
import { SortedList } from './sorted-list.ts';

export interface ReadyFile {
  /** Rises with each file that is added. */
  readonly sequence: number;
  /** The one connection that may work on the file; undefined: all. */
  readonly only: number | undefined;
  /** Whether the file has bytes to do that may be handed out. */
  readonly isReady: boolean;
}

type Place = 'shared' | number;

export class ReadyFiles<F extends ReadyFile> {
  readonly #shared: SortedList<F> = new SortedList<F>(bySequence);
  /** By connection; none of the lists is empty. */
  readonly #restricted: Map<number, SortedList<F>> = new Map();
  readonly #places: Map<F, Place> = new Map();
  readonly #onRestrictedChanged: (connection: number) => void;

  /** `onRestrictedChanged`: called when {@link hasFor} may have changed for a connection. */
  constructor(onRestrictedChanged: (connection: number) => void) {
    this.#onRestrictedChanged = onRestrictedChanged;
  }

  /** The first file that all connections may work on. */
  get firstShared(): F | undefined {
    return this.#shared.first;
  }

  /** Whether there is a file that only this connection may work on. */
  hasFor(connection: number): boolean {
    return this.#restricted.has(connection);
  }

  /** The first file that only this connection may work on. */
  firstFor(connection: number): F | undefined {
    return this.#restricted.get(connection)?.first;
  }

  /** To be called whenever a property of the file may have changed. */
  update(file: F): void {
    const before = this.#places.get(file);
    const now = file.isReady ? (file.only ?? 'shared') : undefined;
    if (before === now) return;
    if (before !== undefined) this.#remove(file, before);
    if (now !== undefined) this.#add(file, now);
  }

  delete(file: F): void {
    const place = this.#places.get(file);
    if (place !== undefined) this.#remove(file, place);
  }

  #add(file: F, place: Place): void {
    this.#places.set(file, place);
    if (place === 'shared') return this.#shared.add(file);
    let files = this.#restricted.get(place);
    if (files === undefined) {
      files = new SortedList<F>(bySequence);
      this.#restricted.set(place, files);
    }
    files.add(file);
    this.#onRestrictedChanged(place);
  }

  #remove(file: F, place: Place): void {
    this.#places.delete(file);
    if (place === 'shared') return this.#shared.remove(file);
    const files = this.#restricted.get(place)!;
    files.remove(file);
    if (files.length === 0) this.#restricted.delete(place);
    this.#onRestrictedChanged(place);
  }
}

export function bySequence(a: ReadyFile, b: ReadyFile): number {
  return a.sequence - b.sequence;
}
