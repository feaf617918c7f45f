/**
 * The reads under way on the descriptors of this thread.
 *
 * Reads are given raw descriptors, as other threads read from them too. A descriptor that is closed beneath a read may have
 * become another file by the time the read begins, in this process at once. So that this cannot happen whoever reads, and
 * however a reader fails, a source registers its descriptor here: it is closed after the last read has ended, and no read
 * begins once it is being closed. Other threads end their reads by the protocol of tasks, which are waited for before.
 */
import { CopyError } from '../../errors.ts';

/** Longer than reads take; what hangs that long (a network file system that is gone) may hang for ever. */
const PATIENCE_MS = 10_000;

export class DescriptorReads {
  #count = 0;
  #isClosing = false;
  #onIdle: () => void = () => {};

  /** @throws CopyError `cancelled` once it is being closed; whatever `work` rejects with */
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
   * Has `close` called when no read is under way, and waits for it. What hangs is not waited for longer than `patienceMs`;
   * the descriptor then stays open until the read has ended.
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

/** To be called when it is about to be closed, as the number may be given to another file at once. */
export function forgetDescriptor(fd: number, reads: DescriptorReads): void {
  if (byDescriptor.get(fd) === reads) byDescriptor.delete(fd);
}

/** Of a descriptor that was opened in this thread, and is registered. */
export function readsOf(fd: number): DescriptorReads | undefined {
  return byDescriptor.get(fd);
}
