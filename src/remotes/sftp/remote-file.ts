/** A file on the server that is open for reading, as the source of a copy. */
import { CopyError, UNKNOWN_SIZE_ADVICE } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { Attributes, Drain, RemoteFile, Slices } from '../remote.ts';
import type { FlowWindow } from './flow-window.ts';
import { ReadHandle } from './read-handle.ts';
import type { SftpSession } from './session.ts';

export class SftpRemoteFile implements RemoteFile {
  readonly attributes: Promise<Attributes>;
  readonly #handle: ReadHandle;
  readonly #path: Uint8Array;

  /** @throws {CopyError} as `RemoteConnection.open` */
  static async open(session: SftpSession, window: FlowWindow, path: Uint8Array): Promise<SftpRemoteFile> {
    const earlyEnd = (): CopyError =>
      new CopyError('source-changed', `${cleanText(path)} became shorter while it was copied.`);
    const handle = await ReadHandle.open(session, window, { path, side: 'source', earlyEnd });
    return new SftpRemoteFile(handle, path);
  }

  private constructor(handle: ReadHandle, path: Uint8Array) {
    this.#handle = handle;
    this.#path = path;
    // The attributes are those of the handle, because the path may lead to another file by now.
    this.attributes = this.#attributesOfFile();
    // Whoever needs them waits for them.
    this.attributes.catch(() => {});
  }

  async read(slices: Slices, drain: Drain): Promise<void> {
    try {
      await this.#handle.read(slices, drain);
      await this.#expectFile();
    } catch (error) {
      const failure = CopyError.from(error);
      throw failure.code === 'source-changed' ? await this.#earlyEnd(failure) : failure;
    }
  }

  async hasByteAt(offset: number): Promise<boolean> {
    const slices = [{ offset, length: 1 }];
    try {
      await this.#handle.read({ take: () => slices.shift() }, async () => {});
      return true;
    } catch (error) {
      if (CopyError.from(error).code === 'source-changed') return false;
      throw error;
    }
  }

  /** Some files, as those of /sys, end before the size that the system reports of them, though nobody writes them. */
  async #earlyEnd(failure: CopyError): Promise<CopyError> {
    const [before, now] = await Promise.all([this.attributes, this.#handle.attributes()]).catch(() => []);
    if (before === undefined || now?.size !== before.size || now.mtimeMs !== before.mtimeMs) return failure;
    const message = `${cleanText(this.#path)} ends before the ${before.size} bytes that the server reports.`;
    return new CopyError('source-changed', message, { advice: UNKNOWN_SIZE_ADVICE });
  }

  async #attributesOfFile(): Promise<Attributes> {
    const attributes = await this.#handle.attributes();
    if (attributes.kind === 'file') return attributes;
    throw new CopyError('source-unsupported', `${cleanText(this.#path)} is not a regular file.`);
  }

  /** A server that does not tell what it is may let it be read. */
  async #expectFile(): Promise<void> {
    await this.attributes.catch((error: unknown) => {
      if (CopyError.from(error).code === 'source-unsupported') throw error;
    });
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
