/** The totals of what a run has done so far: files, bytes, and the methods of their verification. */
import type { CopyError } from '../../errors.ts';
import type { TransferTotals, VerifiedBytes } from '../events.ts';
import type { Examined, FileResult } from './direction.ts';

export class RunTotals {
  #filesDone = 0;
  #filesFailed = 0;
  readonly #skipped = { files: 0, bytes: 0 };
  #filesNotSynced = 0;
  #firstFailure: CopyError | undefined;
  #bytesResumed = 0;
  #bytesKept = 0;
  #bytesKeptUnseen = 0;
  #connectionsUsed = 0;
  readonly #verified: { -readonly [By in keyof VerifiedBytes]: number } = {
    byDigest: 0,
    byReadBack: 0,
    bySize: 0,
    notVerified: 0,
  };

  get filesDone(): number {
    return this.#filesDone;
  }

  get filesFailed(): number {
    return this.#filesFailed;
  }

  /** The failure of the first file that failed. */
  get firstFailure(): CopyError | undefined {
    return this.#firstFailure;
  }

  /** Bytes of the files that are done that an earlier run had sent. */
  get bytesResumed(): number {
    return this.#bytesResumed;
  }

  /** Bytes of the files that failed that another run need not send. */
  get bytesKept(): number {
    return this.#bytesKept;
  }

  /** Those of the kept bytes that the server could not be asked for after the failure. */
  get bytesKeptUnseen(): number {
    return this.#bytesKeptUnseen;
  }

  /** The most connections that were open at one time. */
  get connectionsUsed(): number {
    return this.#connectionsUsed;
  }

  /** Bytes of the files that are done, by the method of their verification. */
  get verified(): VerifiedBytes {
    return { ...this.#verified };
  }

  /** All figures as they are now. `bytesSent`: bytes that the server has acknowledged in this run. */
  all(bytesSent: number): TransferTotals {
    const { filesDone, filesFailed, bytesResumed, bytesKept, bytesKeptUnseen, verified, connectionsUsed } = this;
    const kept = { bytesKept, ...(bytesKeptUnseen > 0 && { bytesKeptUnseen }) };
    const skipped = { filesSkipped: this.#skipped.files, bytesSkipped: this.#skipped.bytes };
    const unsynced = this.#filesNotSynced > 0 && { filesNotSynced: this.#filesNotSynced };
    return {
      filesDone,
      filesFailed,
      ...skipped,
      ...unsynced,
      bytesSent,
      bytesResumed,
      ...kept,
      verified,
      connectionsUsed,
    };
  }

  onFileSkipped(bytes: number): void {
    this.#skipped.files++;
    this.#skipped.bytes += bytes;
  }

  onFileDone(result: FileResult, bytesResumed: number): void {
    const { bytes, isSizeVerified, verified, isNotSynced = false } = result;
    const { byDigest, byReadBack } = verified;
    this.#filesDone++;
    if (isNotSynced) this.#filesNotSynced++;
    this.#bytesResumed += bytesResumed;
    this.#verified.byDigest += byDigest;
    this.#verified.byReadBack += byReadBack;
    this.#verified[isSizeVerified ? 'bySize' : 'notVerified'] += bytes - byDigest - byReadBack;
  }

  onFileFailed(failure: CopyError): void {
    this.#filesFailed++;
    this.#firstFailure ??= failure;
  }

  /** What is left of a file that failed. */
  kept({ bytesKept, isSeen }: Examined): void {
    this.#bytesKept += bytesKept;
    if (!isSeen) this.#bytesKeptUnseen += bytesKept;
  }

  connectionsOpen(count: number): void {
    this.#connectionsUsed = Math.max(this.#connectionsUsed, count);
  }

  /** Only `count` connections are of use; others were opened before that was known. */
  connectionsWanted(count: number): void {
    this.#connectionsUsed = Math.min(this.#connectionsUsed, count);
  }
}
