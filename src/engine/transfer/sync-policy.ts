/**
 * Whether small files are made durable one by one. On a disk that takes long to sync, thousands of small files would
 * take minutes instead of seconds: then they are not synced any more, and the user is told.
 */

/** If so many files in a row have each taken longer than this, no other file is synced. */
const FILES = 50;
const SLOW_MS = 5;

export class SyncPolicy {
  readonly #onGivenUp: (averageMs: number) => void;
  #slowFiles = 0;
  #slowMs = 0;
  #isSyncing = true;

  /** `onGivenUp` is called at most once, with the average time of the files that were slow. */
  constructor(onGivenUp: (averageMs: number) => void) {
    this.#onGivenUp = onGivenUp;
  }

  /** Whether the next file is to be synced. */
  get syncs(): boolean {
    return this.#isSyncing;
  }

  /** A file was synced in so many milliseconds. */
  onSynced(ms: number): void {
    // A single fast one shows that it was not the disk that was slow, but this machine or the line.
    const isSlow = ms > SLOW_MS;
    this.#slowFiles = isSlow ? this.#slowFiles + 1 : 0;
    this.#slowMs = isSlow ? this.#slowMs + ms : 0;
    if (!this.#isSyncing || this.#slowFiles < FILES) return;
    this.#isSyncing = false;
    this.#onGivenUp(this.#slowMs / FILES);
  }
}
