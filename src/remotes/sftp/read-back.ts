/** Reads a staged file back. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { Drain, Slices } from '../remote.ts';
import type { FlowWindow } from './flow-window.ts';
import { ReadHandle } from './read-handle.ts';
import type { SftpSession } from './session.ts';

/**
 * Opens a new handle for each call. The handle for writing cannot be used, because some servers allow no reading, so
 * that it is opened only for writing. A handle that was opened earlier may not show the latest bytes: proftpd 1.3.8
 * answers EOF to a READ beyond the size that the file had when the handle was opened.
 */
export class ReadBack {
  readonly #open: () => Promise<ReadHandle>;
  readonly #opened: Set<Promise<ReadHandle>> = new Set();

  constructor(session: SftpSession, window: FlowWindow, path: Buffer) {
    const earlyEnd = (): CopyError =>
      new CopyError('integrity', `${cleanText(path)} is shorter than what was written to it.`);
    this.#open = () => ReadHandle.open(session, window, { path, side: 'destination', earlyEnd });
  }

  /** See `Staged.readBack`. */
  async read(slices: Slices, drain: Drain): Promise<void> {
    const opening = this.#open();
    this.#opened.add(opening);
    try {
      const handle = await opening;
      await handle.read(slices, drain);
    } finally {
      this.#opened.delete(opening);
      // A failure to close says nothing about what was read.
      await opening.then((handle) => handle.close()).catch(() => {});
    }
  }

  /** Ends the calls in progress. Resolves when their handles are closed. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#opened].map(async (opening) => (await opening).close()));
  }
}
