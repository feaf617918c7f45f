/** Tells whether the disk of the server had room for what was written to a staged file. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { Range } from '../remote.ts';
import { ExtensionName } from './codec/constants.ts';
import type { SftpSession } from './session.ts';
import { toCodedError } from './sftp-files.ts';

/** Where less than this is free, in bytes, an unspecified failure of a write means that the disk is full. */
const SPACE_TO_SPARE = 1024 * 1024;

/**
 * The space for one staged file on the disk of the server.
 *
 * Servers tell little about a full disk: OpenSSH reports only "Failure", and others acknowledge a write of which only a
 * part found room, also in the middle of the file, where the size does not show it. Therefore the free space is asked
 * for where a write failed, and where one may have been cut short. Where the server does not tell it, nothing is
 * detected. Asking for it never fails, because it only serves to explain what was seen otherwise.
 */
export class DiskSpace {
  /** The size of the old file that is written over, whose bytes have their room already; 0 where the file is new. */
  readonly oldSize: number;
  readonly #session: Pick<SftpSession, 'offers' | 'statVfs'>;
  readonly #path: Buffer;
  readonly #reportsShortWrites: boolean;

  /**
   * @param reportsShortWrites whether the server reports a failure for a write of which only a part found room on its
   *   disk
   */
  constructor(
    session: Pick<SftpSession, 'offers' | 'statVfs'>,
    path: Buffer,
    oldSize: number,
    reportsShortWrites: boolean,
  ) {
    this.#session = session;
    this.#path = path;
    this.oldSize = oldSize;
    this.#reportsShortWrites = reportsShortWrites;
  }

  /** The error for a full disk; undefined where there is enough room, or the server does not tell. */
  async shortage(cause?: unknown): Promise<CopyError | undefined> {
    if (!this.#session.offers(ExtensionName.statVfs)) return undefined;
    try {
      const { blocksAvailable, fragmentSize } = await this.#session.statVfs(this.#path);
      if (blocksAvailable * fragmentSize > SPACE_TO_SPARE) return undefined;
      const refused = { operation: 'write', text: 'No space is left' };
      const message = `No space is left on the server for ${cleanText(this.#path)}.`;
      return new CopyError('no-space', message, { cause, refused });
    } catch {
      // The failure that is to be explained must not be replaced by that of the explanation.
      return undefined;
    }
  }

  /** Whether no acknowledged write can have been cut short. */
  async hadRoomForAll(): Promise<boolean> {
    return this.#reportsShortWrites || (await this.shortage()) === undefined;
  }

  /**
   * See `Staged.checkRoom`. A write can only have been cut short where the disk is full, and not where existing bytes
   * were overwritten.
   */
  async checkRoom({ offset, length }: Range): Promise<void> {
    if (this.#reportsShortWrites || offset + length <= this.oldSize) return;
    const failure = await this.shortage();
    if (failure !== undefined) throw failure;
  }

  /** The coded error for a write that failed. */
  async explainWriteFailure(error: unknown): Promise<CopyError> {
    const failure = toCodedError(error, { operation: 'write', path: this.#path });
    return failure.code === 'destination-refused' ? ((await this.shortage(error)) ?? failure) : failure;
  }
}
