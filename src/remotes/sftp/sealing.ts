/** Seals an open staged file: gives it its final attributes, makes it durable, and checks that it is complete. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { Attributes, FinalAttributes, Seal, StagedWhole } from '../remote.ts';
import { ExtensionName } from './codec/constants.ts';
import type { DiskSpace } from './disk-space.ts';
import type { InFlightRequests } from './in-flight-requests.ts';
import { lookAt, lookAtOpen } from './looks.ts';
import type { SftpSession } from './session.ts';
import { toCodedError, withCodedErrors } from './sftp-files.ts';
import { mayOthersWrite, type StagedAttributes } from './staged-attributes.ts';
import type { StatusContext } from './status-errors.ts';

/** The final attributes of a file that is staged as a whole. */
export type WholeFinal = FinalAttributes & { readonly syncs: boolean };

export interface OpenStaged {
  readonly path: Buffer;
  readonly handle: Uint8Array;
  readonly space: DiskSpace;
  readonly attributes: StagedAttributes;
}

export interface WholeSteps {
  /** Whether the server is known to execute requests in the order in which they are sent. */
  readonly isInOrder: boolean;
  /** Resolves when all bytes are sent. */
  readonly write: () => Promise<InFlightRequests>;
  readonly close: () => Promise<void>;
  /** What could not be done when the file was created. For people. */
  readonly warnings: readonly string[];
}

/**
 * Seals one open staged file.
 *
 * The server can fail to store what it acknowledged, refuse attributes, or refuse to tell them. The first is a failure;
 * the others are warnings. Every answer is read, that to CLOSE too.
 */
export class Sealing {
  readonly #session: SftpSession;
  readonly #path: Buffer;
  readonly #handle: Uint8Array;
  readonly #space: DiskSpace;
  readonly #attributes: StagedAttributes;

  constructor(session: SftpSession, { path, handle, space, attributes }: OpenStaged) {
    this.#session = session;
    this.#path = path;
    this.#handle = handle;
    this.#space = space;
    this.#attributes = attributes;
  }

  /** See `Staged.seal`. */
  async seal(final: FinalAttributes, close: () => Promise<void>): Promise<Seal> {
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
    if (sealed !== undefined) {
      await this.#checkSize(sealed.size, final.size);
      if (!final.isVerified) await this.#checkRoom(final.size);
    }
    await close();
    return this.#sealOf(sealed, timesAreSet, final, warnings);
  }

  /**
   * See `RemoteConnection.stageWhole`. Nobody continues the file if this fails, so that CLOSE is sent with the rest.
   * Where the server may execute requests in another order, the writes are awaited first, because the file would be
   * synced and looked at too early otherwise.
   */
  async sealWhole(final: WholeFinal, steps: WholeSteps): Promise<Omit<StagedWhole, 'token'>> {
    const warnings = [...steps.warnings];
    const mode = final.mode ?? (await this.#attributes.modeOfTheServer(warnings));
    const written = this.#answered(await steps.write());
    if (!steps.isInOrder) await written;
    const synced = final.syncs ? this.#flush(final.size, warnings) : undefined;
    const modeSet = mode === undefined ? undefined : this.#attributes.setMode(mode);
    const timesSet = this.#attributes.setTimes(final.mtimeMs, warnings);
    const looked = this.look();
    const hasRoom = final.isVerified ? undefined : this.#checkRoom(final.size);
    const closed = steps.close();
    // No request of the file is in flight any more when this fails.
    await Promise.allSettled([written, synced, modeSet, timesSet, looked, hasRoom, closed]);
    const [, sync] = await Promise.all([written, synced]);
    const [modeRefusal, timesAreSet, found] = await Promise.all([modeSet, timesSet, looked]);
    const isByPath =
      modeRefusal !== undefined && (await this.#attributes.setModeByPath(mode!, modeRefusal, found, warnings));
    const sealed = isByPath ? await this.#lookByPath() : found;
    if (sealed !== undefined) await this.#checkSize(sealed.size, final.size);
    await Promise.all([hasRoom, closed]);
    const seal = await this.#sealOf(sealed, timesAreSet, final, warnings);
    return { seal, ...(sync !== undefined && final.size > 0 && { syncMs: sync }) };
  }

  async look(): Promise<Attributes | undefined> {
    const look = await withCodedErrors(lookAtOpen(this.#session, this.#handle, this.#path), this.#context('stat'));
    return look.isTold ? look.at : undefined;
  }

  /**
   * Resolves with how long it took, in milliseconds (see `SftpSession.fsync`); undefined where the server cannot be asked
   * to sync.
   * @param bytes how many bytes of the file may have to be written to the disk, including those of other connections
   */
  async sync(bytes: number): Promise<number | undefined> {
    if (!this.#session.offers(ExtensionName.fsync)) return undefined;
    try {
      return await this.#session.fsync(this.#handle, bytes);
    } catch (error) {
      const failure = toCodedError(error, this.#context('sync'));
      if (failure.code === 'unsupported') return undefined;
      throw failure;
    }
  }

  async #flush(bytes: number, warnings: string[]): Promise<number | undefined> {
    const syncMs = await this.sync(bytes);
    if (syncMs === undefined) {
      warnings.push('the server cannot be asked to sync it to its disk; a crash there may still lose it');
    }
    return syncMs;
  }

  /** Resolves when the last write was answered. */
  async #answered(writes: InFlightRequests): Promise<void> {
    try {
      await writes.allSettled();
    } catch (error) {
      throw await this.#space.explainWriteFailure(error);
    }
  }

  /**
   * Fails where the size is wrong. A file that is too short is not extended: the server has not stored what it
   * acknowledged, as proftpd does when its disk is full, and extending the file would hide that.
   */
  async #checkSize(found: number, wanted: number): Promise<void> {
    if (found === wanted) return;
    const message = `${cleanText(this.#path)} has ${found} bytes instead of ${wanted}, although the server acknowledged all.`;
    throw (await this.#space.shortage()) ?? new CopyError('integrity', message);
  }

  #checkRoom(size: number): Promise<void> {
    return this.#space.checkRoom({ offset: 0, length: size });
  }

  /** @param sealed the attributes after the last change; undefined where the server refuses to tell them */
  async #sealOf(
    sealed: Attributes | undefined,
    timesAreSet: boolean,
    final: FinalAttributes,
    warnings: string[],
  ): Promise<Seal> {
    if (sealed === undefined) return { size: final.size, isUnseen: true, warnings };
    // Where the time was not set explicitly, it may still change when a file server writes its buffers.
    if (timesAreSet && sealed.mtimeMs !== wholeSeconds(final.mtimeMs)) {
      warnings.push('the server ignores the time of its last change');
    }
    const { mtimeMs } = timesAreSet ? sealed : ((await this.#lookByPath()) ?? sealed);
    return { size: sealed.size, ...(mtimeMs !== undefined && { mtimeMs }), warnings };
  }

  async #lookByPath(): Promise<Attributes | undefined> {
    const look = await withCodedErrors(lookAt(this.#session, this.#path), this.#context('stat'));
    return look.isTold ? look.at : undefined;
  }

  #context(operation: StatusContext['operation']): StatusContext {
    return { operation, path: this.#path };
  }
}

/** Whether another run could continue a staged file of this mode. */
function isUsable(mode = 0o600): boolean {
  return (mode & 0o600) === 0o600 && !mayOthersWrite(mode);
}

function wholeSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.floor(ms / 1000) * 1000;
}
