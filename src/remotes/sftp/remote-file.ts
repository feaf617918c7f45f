/** A file on the server that is open for reading, as the source of a copy. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { Attributes, Drain, RemoteFile, Slices } from '../remote.ts';
import type { FlowWindow } from './flow-window.ts';
import { ReadHandle } from './read-handle.ts';
import type { SftpSession } from './session.ts';

export class SftpRemoteFile implements RemoteFile {
  readonly attributes: Attributes;
  readonly #handle: ReadHandle;
  readonly #path: Uint8Array;

  /** @throws {CopyError} as `RemoteConnection.open` */
  static async open(session: SftpSession, window: FlowWindow, path: Uint8Array): Promise<SftpRemoteFile> {
    const earlyEnd = (): CopyError =>
      new CopyError('source-changed', `${cleanText(path)} became shorter while it was copied.`);
    const handle = await ReadHandle.open(session, window, { path, side: 'source', earlyEnd });
    try {
      // The attributes are those of the handle, because the path may lead to another file by now.
      const attributes = await handle.attributes();
      if (attributes.kind === 'file') return new SftpRemoteFile(handle, path, attributes);
      throw new CopyError('source-unsupported', `${cleanText(path)} is not a regular file.`);
    } catch (error) {
      // The first failure is reported, not that of the close.
      await handle.close().catch(() => {});
      throw error;
    }
  }

  private constructor(handle: ReadHandle, path: Uint8Array, attributes: Attributes) {
    this.#handle = handle;
    this.#path = path;
    this.attributes = attributes;
  }

  async read(slices: Slices, drain: Drain): Promise<void> {
    try {
      await this.#handle.read(slices, drain);
    } catch (error) {
      const failure = CopyError.from(error);
      throw failure.code === 'source-changed' ? await this.#earlyEnd(failure) : failure;
    }
  }

  /** Some files, as those of /sys, end before the size that the system reports of them, though nobody writes them. */
  async #earlyEnd(failure: CopyError): Promise<CopyError> {
    const { size } = this.attributes;
    const now = await this.#handle.attributes().catch(() => undefined);
    if (now?.size !== size || now.mtimeMs !== this.attributes.mtimeMs) return failure;
    const message = `${cleanText(this.#path)} ends before the ${size} bytes that the server reports.`;
    const advice = 'If nobody writes it, the server does not know its size: copy it with another program.';
    return new CopyError('source-changed', message, { advice });
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
