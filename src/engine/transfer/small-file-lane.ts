/**
 * Copies whole small files, many at a time on each connection: their requests do not wait for one another, so that
 * round trips cost little. A file has no journal, no grid and no ledger here.
 *
 * A connection gets the next file while it has few files and few bytes in progress. What can go wrong: a connection is
 * lost, and its files are copied over another one (`connection-access`); a file fails, and goes to a file job, which
 * can do more and explains the failure.
 */
import type { PlannedFile } from './direction.ts';

/** Bytes of the longest file that is copied as a whole. One connection transfers it even over a slow line soon. */
export const MAX_SMALL_FILE: number = 256 * 1024;
/** Files in progress on one connection. */
const MAX_FILES = 64;
/** Bytes in progress on one connection. They are in memory. */
const MAX_BYTES = 2 * 1024 * 1024;

export interface LaneOptions<File extends PlannedFile> {
  /** The open connections of this thread. */
  readonly connections: () => readonly number[];
  /** Copies a file, if possible over this connection. Rejects with what ends the run. */
  readonly copy: (file: File, connection: number | undefined) => Promise<void>;
  readonly signal: AbortSignal;
}

interface Load {
  files: number;
  bytes: number;
}

export class SmallFileLane<File extends PlannedFile> {
  readonly #options: LaneOptions<File>;
  readonly #loads: Map<number, Load> = new Map();
  #inProgress = 0;
  #failure: { readonly error: unknown } | undefined;
  #onEnded: () => void = () => {};

  constructor(options: LaneOptions<File>) {
    this.#options = options;
  }

  /** Whether files are being copied. */
  get isBusy(): boolean {
    return this.#inProgress > 0;
  }

  /**
   * Resolves when all files have ended, or nothing is in progress any more after the run is over.
   * @throws what a file rejected with
   */
  async run(files: AsyncIterable<File>): Promise<void> {
    const { signal } = this.#options;
    const iterator = files[Symbol.asyncIterator]();
    while (!signal.aborted && this.#failure === undefined) {
      const next = await iterator.next();
      if (next.done || signal.aborted) break;
      const connection = await this.#room(next.value.size);
      if (signal.aborted || this.#failure !== undefined) break;
      void this.#copy(next.value, connection);
    }
    while (this.#inProgress > 0) await this.#oneEnded();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #copy(file: File, connection: number | undefined): Promise<void> {
    const load = this.#loadOf(connection);
    load.files++;
    load.bytes += file.size;
    this.#inProgress++;
    try {
      await this.#options.copy(file, connection);
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      load.files--;
      load.bytes -= file.size;
      this.#inProgress--;
      this.#onEnded();
    }
  }

  /** Resolves with the connection that has least to do, as soon as one has room. */
  async #room(size: number): Promise<number | undefined> {
    for (;;) {
      const connections = this.#options.connections();
      let best: number | undefined;
      for (const connection of connections) {
        const { files, bytes } = this.#loadOf(connection);
        if (files > 0 && (files >= MAX_FILES || bytes + size > MAX_BYTES)) continue;
        if (best === undefined || bytes + files < this.#sizeOf(best)) best = connection;
      }
      if (best !== undefined) return best;
      // While none is open, what waits for one is bounded as well.
      if (connections.length === 0 && this.#inProgress < MAX_FILES) return undefined;
      await this.#oneEnded();
    }
  }

  #sizeOf(connection: number): number {
    const { files, bytes } = this.#loadOf(connection);
    return bytes + files;
  }

  /** Undefined: no connection. */
  #loadOf(connection: number = 0): Load {
    let load = this.#loads.get(connection);
    if (load === undefined) {
      load = { files: 0, bytes: 0 };
      this.#loads.set(connection, load);
    }
    return load;
  }

  #oneEnded(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEnded = resolve;
    });
  }
}
