/** A file on the server that is open for reading. */
import type { CopyError } from '../../errors.ts';
import type { Attributes, Drain, Slices } from '../remote.ts';
import { OpenFlag } from './codec/constants.ts';
import type { FlowWindow } from './flow-window.ts';
import { isRefusal } from './looks.ts';
import type { SftpSession } from './session.ts';
import { toAttributes, withCodedErrors } from './sftp-files.ts';
import { SliceReader, type WholeReading } from './slice-reader.ts';
import type { StatusContext } from './status-errors.ts';

export interface ReadHandleOptions {
  readonly path: Uint8Array;
  /** Which side of the copy the path is on. */
  readonly side: 'source' | 'destination';
  /** Makes the error for a file that ends before a slice does. */
  readonly earlyEnd: () => CopyError;
}

export class ReadHandle {
  readonly #session: SftpSession;
  readonly #handle: Uint8Array;
  readonly #reader: SliceReader;
  readonly #options: ReadHandleOptions;
  #closing: Promise<void> | undefined;

  static async open(session: SftpSession, window: FlowWindow, options: ReadHandleOptions): Promise<ReadHandle> {
    const { path, side } = options;
    const handle = await withCodedErrors(session.open(path, OpenFlag.read), { operation: 'open', path, side });
    return new ReadHandle(session, window, handle, options);
  }

  private constructor(session: SftpSession, window: FlowWindow, handle: Uint8Array, options: ReadHandleOptions) {
    this.#session = session;
    this.#handle = handle;
    this.#options = options;
    this.#reader = new SliceReader(session, window, handle, options.earlyEnd);
  }

  /** Where the server refuses to tell those of an open file, they are looked up by its path. */
  async attributes(): Promise<Attributes> {
    const asked = this.#session.fstat(this.#handle).catch(async (error: unknown) => {
      if (!isRefusal(error)) throw error;
      const byPath = await this.#session.stat(this.#options.path).catch(() => undefined);
      if (byPath === undefined) throw error;
      return byPath;
    });
    return toAttributes(await withCodedErrors(asked, this.#context('stat')));
  }

  /** See `RemoteFile.read`. */
  read(slices: Slices, drain: Drain): Promise<void> {
    return withCodedErrors(this.#reader.read(slices, drain), this.#context('read'));
  }

  /** See `SliceReader.requestWhole`. */
  async requestWhole(target: Uint8Array): Promise<WholeReading> {
    const { answered, hadShortAnswers } = await this.#reader.requestWhole(target);
    const coded = withCodedErrors(answered, this.#context('read'));
    coded.catch(() => {});
    return { answered: coded, hadShortAnswers };
  }

  /** Whether the file has a byte at `offset`, whatever its attributes say. */
  async hasByteAt(offset: number): Promise<boolean> {
    const data = await withCodedErrors(this.#session.read(this.#handle, offset, 1), this.#context('read'));
    return data !== 'eof';
  }

  /** Ends all reads and closes the handle. Later calls return the same promise. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#reader.end();
    await withCodedErrors(this.#session.closeHandle(this.#handle), this.#context('close'));
  }

  #context(operation: StatusContext['operation']): StatusContext {
    const { path, side } = this.#options;
    return { operation, path, side };
  }
}
