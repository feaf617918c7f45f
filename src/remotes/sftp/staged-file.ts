/** A staged file on SFTP: the partial file beside the target, or the target itself. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
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
  StageToken,
  WriterProbe,
} from '../remote.ts';
import { ExtensionName, OpenFlag } from './codec/constants.ts';
import { copyData } from './copies/copy-data.ts';
import type { DefaultModes } from './default-modes.ts';
import { DiskSpace } from './disk-space.ts';
import type { FlowWindow } from './flow-window.ts';
import { lookAt, lookAtOpen } from './looks.ts';
import { ReadBack } from './read-back.ts';
import type { SftpSession } from './session.ts';
import { toCodedError, withCodedErrors } from './sftp-files.ts';
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

function wholeSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.floor(ms / 1000) * 1000;
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
  readonly #attributes: StagedAttributes;
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
    this.#attributes = new StagedAttributes(session, token, handle, defaultModes);
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
    if (!(await this.#sync(this.#bytesWritten))) return false;
    // Where the disk is full, parts of writes may be missing although the rest is durable.
    return this.#space.hadRoomForAll();
  }

  async look(): Promise<Attributes | undefined> {
    const look = await withCodedErrors(lookAtOpen(this.#session, this.#handle, this.#path), this.#context('stat'));
    return look.isTold ? look.at : undefined;
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
    const warnings: string[] = [];
    const mode = final.mode ?? (await this.#attributes.modeOfTheServer(warnings));
    // These are sent together, in this order, because writing and setting the mode may change the times.
    const flushed = this.#flush(final.size, warnings);
    // Syncing takes long, and a partial file with such a mode cannot be continued by another run if this one ends
    // meanwhile.
    if (!isUsable(mode)) await flushed;
    const [, modeRefusal, timesAreSet, found] = await Promise.all([
      flushed,
      mode === undefined ? undefined : this.#attributes.setMode(mode),
      this.#attributes.setTimes(final.mtimeMs, warnings),
      this.look(),
    ]);
    const isByPath =
      modeRefusal !== undefined && (await this.#attributes.setModeByPath(mode!, modeRefusal, found, warnings));
    const sealed = isByPath ? await this.look() : found;
    if (sealed !== undefined) await this.#checkSize(sealed.size, final);
    await this.#close(final.size);
    if (sealed === undefined) return { size: final.size, isUnseen: true, warnings };
    // Where the time was not set explicitly, it may still change when a file server writes its buffers.
    if (timesAreSet && sealed.mtimeMs !== wholeSeconds(final.mtimeMs)) {
      warnings.push('the server ignores the time of its last change');
    }
    const { mtimeMs } = timesAreSet ? sealed : ((await this.#look()) ?? sealed);
    return { size: sealed.size, ...(mtimeMs !== undefined && { mtimeMs }), warnings };
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

  async #flush(bytes: number, warnings: string[]): Promise<void> {
    if (await this.#sync(bytes)) return;
    warnings.push('the server cannot be asked to sync it to its disk; a crash there may still lose it');
  }

  /**
   * @param bytes how many bytes of the file may have to be written to the disk, including those of other connections
   */
  async #sync(bytes: number): Promise<boolean> {
    if (!this.#session.offers(ExtensionName.fsync)) return false;
    try {
      await this.#session.fsync(this.#handle, bytes);
      return true;
    } catch (error) {
      const failure = toCodedError(error, this.#context('sync'));
      if (failure.code === 'unsupported') return false;
      throw failure;
    }
  }

  /**
   * Fails where the size is wrong. A file that is too short is not extended: the server has not stored what it
   * acknowledged, as proftpd does when its disk is full, and extending the file would hide that.
   */
  async #checkSize(found: number, { size: wanted, isVerified = false }: FinalAttributes): Promise<void> {
    if (found === wanted) return isVerified ? undefined : this.checkRoom({ offset: 0, length: wanted });
    const message = `${cleanText(this.#path)} has ${found} bytes instead of ${wanted}, although the server acknowledged all.`;
    throw (await this.#space.shortage()) ?? new CopyError('integrity', message);
  }

  async #look(): Promise<Attributes | undefined> {
    const look = await withCodedErrors(lookAt(this.#session, this.#path), this.#context('stat'));
    return look.isTold ? look.at : undefined;
  }

  #context(operation: StatusContext['operation']): StatusContext {
    return { operation, path: this.#path };
  }
}

/** Whether others may write a file of this mode. */
export function mayOthersWrite(mode: number): boolean {
  return (mode & 0o022) !== 0;
}

/** Whether another run could continue a staged file of this mode. */
function isUsable(mode = 0o600): boolean {
  return (mode & 0o600) === 0o600 && !mayOthersWrite(mode);
}
