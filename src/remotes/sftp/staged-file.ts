/** A staged file on SFTP: the partial file beside the target, or the target itself. */
import type {
  Attributes,
  Drain,
  Fill,
  FinalAttributes,
  Range,
  RemoteConnection,
  Seal,
  Slices,
  Staged,
  StagedWhole,
  StageToken,
  WriterProbe,
} from '../remote.ts';
import { ExtensionName, OpenFlag } from './codec/constants.ts';
import { copyData } from './copies/copy-data.ts';
import type { DefaultModes } from './default-modes.ts';
import { DiskSpace } from './disk-space.ts';
import type { FlowWindow } from './flow-window.ts';
import { ReadBack } from './read-back.ts';
import { Sealing, type WholeFinal } from './sealing.ts';
import type { SftpSession } from './session.ts';
import { withCodedErrors } from './sftp-files.ts';
import { SliceWriter } from './slice-writer.ts';
import { StagedAttributes } from './staged-attributes.ts';
import { type StagedToken, stagedPath, toStageToken } from './staged-token.ts';
import type { StatusContext } from './status-errors.ts';
import { probeWriters } from './writer-probe.ts';

/** The flow windows of a connection, one for each direction. */
export interface FlowWindows {
  readonly writing: FlowWindow;
  readonly reading: FlowWindow;
}

export interface StagedFileOptions {
  readonly defaultModes: DefaultModes;
  /** See `Staged.warnings`. */
  readonly warnings?: readonly string[];
}

/**
 * One open handle of a staged file.
 *
 * It can fail because of a full disk, a lost connection or another program that changes the file. A server may
 * acknowledge a write that was not stored completely; `checkRoom`, `sync` and `seal` detect that. The size is never
 * extended, because that would hide what is missing.
 */
export class StagedFile implements Staged {
  readonly token: StageToken;
  readonly found: Attributes | undefined;
  readonly warnings: readonly string[];
  readonly #session: SftpSession;
  readonly #path: Buffer;
  readonly #handle: Uint8Array;
  readonly #writer: SliceWriter;
  readonly #readBack: ReadBack;
  readonly #space: DiskSpace;
  readonly #sealing: Sealing;
  #bytesWritten = 0;
  #isClosed = false;

  /**
   * @param reportsShortWrites whether the server reports a failure for a write of which only a part found room on its
   * disk
   */
  constructor(
    session: SftpSession,
    windows: FlowWindows,
    token: StagedToken,
    handle: Uint8Array,
    found: Attributes | undefined,
    reportsShortWrites: boolean,
    { defaultModes, warnings = [] }: StagedFileOptions,
  ) {
    this.warnings = warnings;
    this.#session = session;
    this.token = toStageToken(token);
    this.#path = stagedPath(token);
    this.#handle = handle;
    this.#writer = new SliceWriter(session, windows.writing, handle);
    this.#readBack = new ReadBack(session, windows.reading, this.#path, handle);
    this.found = found;
    const oldSize = token.partial === undefined ? (found?.size ?? 0) : 0;
    this.#space = new DiskSpace(session, this.#path, oldSize, reportsShortWrites);
    const attributes = new StagedAttributes(session, token, handle, defaultModes);
    this.#sealing = new Sealing(session, { path: this.#path, handle, space: this.#space, attributes });
  }

  async write(slices: Slices, fill: Fill, onAcknowledged: (part: Range) => void): Promise<void> {
    try {
      await this.#writer.write(slices, fill, (part) => {
        this.#bytesWritten += part.length;
        onAcknowledged(part);
      });
    } catch (error) {
      throw await this.#space.explainWriteFailure(error);
    }
  }

  readBack(slices: Slices, drain: Drain): Promise<void> {
    return this.#readBack.read(slices, drain);
  }

  probeWriters(
    second: RemoteConnection,
    firstOffset: number,
    secondOffset: number,
    size: number,
    fill: Fill,
  ): Promise<WriterProbe> {
    return probeWriters(this, second, firstOffset, secondOffset, size, fill);
  }

  async sync(): Promise<boolean> {
    if ((await this.#sealing.sync(this.#bytesWritten)) === undefined) return false;
    // Where the disk is full, parts of writes may be missing although the rest is durable.
    return this.#space.hadRoomForAll();
  }

  look(): Promise<Attributes | undefined> {
    return this.#sealing.look();
  }

  checkRoom(range: Range): Promise<void> {
    return this.#space.checkRoom(range);
  }

  async copyRange(from: Uint8Array, range: Range): Promise<boolean> {
    if (!this.#session.offers(ExtensionName.copyData)) return false;
    const fromHandle = await withCodedErrors(this.#session.open(from, OpenFlag.read), {
      operation: 'open',
      path: from,
    });
    try {
      const { size } = await withCodedErrors(this.#session.fstat(fromHandle), { operation: 'stat', path: from });
      const available = size === undefined ? range.length : Math.max(0, size - range.offset);
      const length = Math.min(range.length, available);
      await copyData(this.#session, {
        fromHandle,
        toHandle: this.#handle,
        to: this.#path,
        range: { offset: range.offset, length },
      });
      this.#bytesWritten += length;
      return true;
    } finally {
      // A failure to close does not matter, because that file was only read.
      this.#session.closeHandle(fromHandle).catch(() => {});
    }
  }

  async cutOff(size: number): Promise<void> {
    const found = await this.look();
    if (found !== undefined && found.size <= size) return;
    await withCodedErrors(this.#session.fsetStat(this.#handle, { size }), this.#context('set attributes of'));
  }

  async seal(final: FinalAttributes): Promise<Seal> {
    if (this.#space.oldSize > final.size) await this.cutOff(final.size);
    return this.#sealing.seal(final, () => this.#close(final.size));
  }

  /**
   * Writes `bytes` and seals the file, with as many requests as possible sent together. To be called instead of all
   * other methods but {@link close}.
   * @param isInOrder whether the server is known to execute requests in the order in which they are sent
   */
  async sealWhole(bytes: Uint8Array, final: WholeFinal, isInOrder: boolean): Promise<StagedWhole> {
    const sealed = await this.#sealing.sealWhole(final, {
      isInOrder,
      write: () => this.#writer.sendWhole(bytes),
      close: () => this.#close(final.size),
      warnings: this.warnings,
    });
    return { token: this.token, ...sealed };
  }

  async close(): Promise<void> {
    await this.#close(this.#bytesWritten);
  }

  /** @param bytes how many bytes the server may have to write to its disk */
  async #close(bytes: number): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([
      this.#readBack.close(),
      withCodedErrors(this.#session.closeHandle(this.#handle, bytes), this.#context('close')),
    ]);
  }

  #context(operation: StatusContext['operation']): StatusContext {
    return { operation, path: this.#path };
  }
}
