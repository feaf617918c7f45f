/** Reads a staged file back. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { Drain, Slices } from '../remote.ts';
import type { FlowWindow } from './flow-window.ts';
import { showsOpenFile } from './looks.ts';
import { ReadHandle } from './read-handle.ts';
import type { SftpSession } from './session.ts';
import { withCodedErrors } from './sftp-files.ts';

/**
 * Opens a new handle for each call. The handle for writing cannot be used, because some servers allow no reading, so
 * that it is opened only for writing. A handle that was opened earlier may not show the latest bytes: proftpd 1.3.8
 * answers EOF to a READ beyond the size that the file had when the handle was opened.
 *
 * A server that writes to a temporary file of its own shows the old file at the path until the handle for writing is
 * closed. This is examined before the first call, because the old file tells nothing about what was written.
 */
export class ReadBack {
  readonly #session: SftpSession;
  readonly #path: Buffer;
  /** The one for writing. */
  readonly #writing: Uint8Array;
  readonly #open: () => Promise<ReadHandle>;
  readonly #opened: Set<Promise<ReadHandle>> = new Set();
  #expectShown: Promise<void> | undefined;

  constructor(session: SftpSession, window: FlowWindow, path: Buffer, writing: Uint8Array) {
    this.#session = session;
    this.#path = path;
    this.#writing = writing;
    const earlyEnd = (): CopyError =>
      new CopyError('integrity', `${cleanText(path)} is shorter than what was written to it.`);
    this.#open = async () => {
      this.#expectShown ??= this.#look();
      await this.#expectShown;
      return ReadHandle.open(session, window, { path, side: 'destination', earlyEnd });
    };
  }

  /**
   * See `Staged.readBack`.
   * @throws {CopyError} `unsupported`: where the server shows another file than the one that is written
   */
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

  async #look(): Promise<void> {
    const context = { operation: 'stat', path: this.#path } as const;
    if (await withCodedErrors(showsOpenFile(this.#session, this.#writing, this.#path), context)) return;
    const message = `The server does not show what was written to ${cleanText(this.#path)} before it is closed.`;
    throw new CopyError('unsupported', message, { advice: 'Use --verify auto, which verifies the size there.' });
  }
}
