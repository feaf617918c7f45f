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

  /** @throws {CopyError} as `RemoteConnection.open` */
  static async open(session: SftpSession, window: FlowWindow, path: Uint8Array): Promise<SftpRemoteFile> {
    const earlyEnd = (): CopyError =>
      new CopyError('source-changed', `${cleanText(path)} became shorter while it was copied.`);
    const handle = await ReadHandle.open(session, window, { path, side: 'source', earlyEnd });
    try {
      // The attributes are those of the handle, because the path may lead to another file by now.
      const attributes = await handle.attributes();
      if (attributes.kind === 'file') return new SftpRemoteFile(handle, attributes);
      throw new CopyError('source-unsupported', `${cleanText(path)} is not a regular file.`);
    } catch (error) {
      // The first failure is reported, not that of the close.
      await handle.close().catch(() => {});
      throw error;
    }
  }

  private constructor(handle: ReadHandle, attributes: Attributes) {
    this.#handle = handle;
    this.attributes = attributes;
  }

  read(slices: Slices, drain: Drain): Promise<void> {
    return this.#handle.read(slices, drain);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
