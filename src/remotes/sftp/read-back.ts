/** Reads what was written to a staged file. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { Drain, Slices } from '../remote.ts';
import type { FlowWindow } from './flow-window.ts';
import { ReadHandle } from './read-handle.ts';
import type { SftpSession } from './session.ts';

/**
 * Each call has a handle of its own. One for writing need not be open for reading too: some servers let nobody read.
 * And one that was opened before the last byte was written may not show it: proftpd 1.3.8 answers EOF to a READ beyond
 * the size that the file had when the handle was opened.
 */
export class ReadBack {
  readonly #open: () => Promise<ReadHandle>;
  readonly #opened: Set<Promise<ReadHandle>> = new Set();

  constructor(session: SftpSession, window: FlowWindow, path: Buffer) {
    const endedEarly = (): CopyError =>
      new CopyError('integrity', `${cleanText(path)} is shorter than what was written to it.`);
    this.#open = () => ReadHandle.open(session, window, { path, side: 'destination', endedEarly });
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
      // Whether that succeeds says nothing of what was read.
      await opening.then((handle) => handle.close()).catch(() => {});
    }
  }

  /** Ends the calls under way; resolves when their handles are closed. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#opened].map(async (opening) => (await opening).close()));
  }
}
