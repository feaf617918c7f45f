/**
 * The reads in progress on the descriptors of this thread.
 *
 * Reads use raw descriptors, because other threads read the same files. If a descriptor were closed while a read waits
 * for its turn, the number could belong to another file by the time the read begins. Therefore a source registers its
 * descriptor here: it is closed after the last read has ended, and no read begins once the closing has begun, whoever
 * reads and however a reader fails. The reads of other threads belong to tasks, and the end of all tasks is awaited
 * before a file is closed.
 */
import { CopyError } from '../../errors.ts';

/**
 * How long to wait for a read. One that takes longer, for example on a network file system that is gone, may never end.
 */
const PATIENCE_MS = 10_000;

export class DescriptorReads {
  #count = 0;
  #isClosing = false;
  #onIdle: () => void = () => {};

  /** @throws {CopyError} `cancelled`: the descriptor is being closed; whatever `work` rejects with */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosing) throw new CopyError('cancelled', 'The local file is not read any more.');
    this.#count++;
    try {
      return await work();
    } finally {
      if (--this.#count === 0) this.#onIdle();
    }
  }

  /**
   * Calls `close` when no read is in progress, and resolves when it has settled. If a read takes longer than
   * `patienceMs`, this resolves before, and the descriptor stays open until the read has ended.
   */
  async close(close: () => Promise<void>, patienceMs: number = PATIENCE_MS): Promise<void> {
    this.#isClosing = true;
    const closed = this.#idle().then(close);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs);
    });
    try {
      await Promise.race([closed, late]);
    } finally {
      clearTimeout(timer);
      closed.catch(() => {});
    }
  }

  #idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }
}

const byDescriptor: Map<number, DescriptorReads> = new Map();

/** Registers a descriptor that was just opened. */
export function registerDescriptor(fd: number): DescriptorReads {
  const reads = new DescriptorReads();
  byDescriptor.set(fd, reads);
  return reads;
}

/**
 * To be called right before the descriptor is closed, because the system may give its number to another file at once.
 */
export function forgetDescriptor(fd: number, reads: DescriptorReads): void {
  if (byDescriptor.get(fd) === reads) byDescriptor.delete(fd);
}

/** Undefined: the descriptor was not registered in this thread. */
export function readsOf(fd: number): DescriptorReads | undefined {
  return byDescriptor.get(fd);
}
