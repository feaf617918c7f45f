/** The verification of one file job: by what, and what becomes of a piece that is wrong. */
import { CopyError } from '../../errors.ts';
import type { Range, Staged, StageToken } from '../../remotes/remote.ts';
import { formatSize } from '../../util/format-size.ts';
import type { LocalSource } from '../local/local-source.ts';
import type { Hashed, PieceHashing } from '../runner/piece-hasher.ts';
import type { UploadContext } from '../upload/upload-context.ts';
import { digestBack } from '../verify/digest-back.ts';
import type { Sides } from '../verify/digest-comparison.ts';
import { FileVerifier, type Verified } from '../verify/file-verifier.ts';
import { LocalDigests } from '../verify/local-digests.ts';
import { findOverwritten } from '../verify/second-look.ts';

/** What the journal records of pieces, and what is read back is compared by. */
const OF_JOURNAL = 'sha256';
const NOTHING_VERIFIED: Verified = { byDigest: 0, byReadBack: 0 };

/** What is needed of the job. */
export interface VerifiedJob {
  readonly file: number;
  /** For messages. */
  readonly name: string;
  readonly source: LocalSource;
  readonly hasJournal: boolean;
  /** Does something with what is staged, on a connection that may. */
  onStaged<T>(token: StageToken, work: (staged: Staged) => Promise<T>): Promise<T>;
  /** A piece is not what was acknowledged. Resolves when nothing that outlives the run claims that it is. */
  forget(piece: Range): Promise<void>;
  /** What `isSettled` says may have changed. */
  changed(): void;
  failed(error: unknown): void;
}

export class JobVerification {
  readonly local: LocalDigests;
  readonly #run: UploadContext;
  readonly #job: VerifiedJob;
  #token: StageToken | undefined;
  #pieceSize = 0;
  #verifier: FileVerifier | undefined;

  constructor(run: UploadContext, job: VerifiedJob) {
    this.#run = run;
    this.#job = job;
    this.local = new LocalDigests(job.source.fd);
  }

  /** Of the file that was begun last; undefined where nothing but the size is verified. */
  get verifier(): FileVerifier | undefined {
    return this.#verifier;
  }

  /** Whether what cannot be verified by its contents is a failure. */
  get isDemanded(): boolean {
    const { verify } = this.#run.options;
    return verify === 'hash' || verify === 'read-back';
  }

  /** Both sides of the file that was begun last. */
  get sides(): Sides {
    const token = this.#token!;
    return {
      of: token,
      fd: this.#job.source.fd,
      local: this.local,
      retryForMs: this.#run.options.retryForMs,
      back: (ranges, algorithm) => this.#job.onStaged(token, (staged) => digestBack(staged, ranges, algorithm)),
    };
  }

  /** The file is staged, and known to the scheduler. */
  begin(token: StageToken, pieceSize: number): void {
    this.#token = token;
    this.#pieceSize = pieceSize;
    this.#verifier = this.#isByContents ? this.#newVerifier(token) : undefined;
  }

  /**
   * What pieces are to be hashed by while they are read; undefined: nobody wants that. Where the server cannot hash, the
   * journal does.
   */
  get hashing(): PieceHashing | undefined {
    const { digests, options } = this.#run;
    if (options.verify === 'size' || options.verify === 'none') return undefined;
    const verifying = options.verify === 'read-back' ? OF_JOURNAL : digests.algorithm;
    const algorithm = verifying ?? (this.#job.hasJournal ? OF_JOURNAL : undefined);
    return algorithm && { algorithm, pieceSize: this.#pieceSize, fileSize: this.#job.source.size };
  }

  hashed({ algorithm, pieces }: Hashed): void {
    for (const { piece, digest } of pieces) this.local.learn(piece, algorithm, digest);
  }

  /** Whether all that is acknowledged is verified, or cannot be. */
  get isSettled(): boolean {
    return this.#verifier?.isSettled ?? true;
  }

  get verified(): Verified {
    return this.#verifier?.verified ?? NOTHING_VERIFIED;
  }

  /** Whether what must be hashed cannot be any more. */
  get lacksMeans(): boolean {
    return this.#run.options.verify === 'hash' && (this.#verifier?.hasNoMeans ?? false);
  }

  /** Whether the contents of all of it are verified. */
  get isVerified(): boolean {
    const { byDigest, byReadBack } = this.verified;
    return byDigest + byReadBack === this.#job.source.size;
  }

  /**
   * What must be verified is, whatever happened on the way.
   * @throws CopyError `no-digests`
   */
  expectVerified(): void {
    if (!this.isDemanded) return;
    if (!this.isVerified) throw noDigests();
  }

  /** See {@link findOverwritten}. */
  async findOverwritten(): Promise<Range | undefined> {
    const { digests: providers } = this.#run;
    const { inUse } = providers;
    const pieces = inUse === undefined ? [] : (this.#verifier?.verifiedBy(inUse) ?? []);
    return pieces.length > 0 ? findOverwritten({ providers, sides: this.sides, pieces }) : undefined;
  }

  get #isByContents(): boolean {
    const { options, digests } = this.#run;
    return this.isDemanded || (options.verify === 'auto' && digests.isWanted);
  }

  #newVerifier(token: StageToken): FileVerifier {
    const { scheduler, digests, options } = this.#run;
    const { file, source } = this.#job;
    const whole = { ...this.sides, file, size: source.size, pieceSize: this.#pieceSize };
    return new FileVerifier(whole, scheduler, options.verify === 'read-back' ? undefined : digests, {
      changed: () => this.#job.changed(),
      failed: (error) => this.#failed(error),
      wrong: (piece) => this.#sendAgain(token, piece),
    });
  }

  /** A piece that is wrong however often it is sent: the source may have changed under our hands. */
  async #failed(error: CopyError): Promise<void> {
    try {
      if (error.code === 'integrity') await this.#job.source.checkUnchanged();
      this.#job.failed(error);
    } catch (change) {
      this.#job.failed(change);
    }
  }

  async #sendAgain(token: StageToken, piece: Range): Promise<void> {
    const { file, name } = this.#job;
    const { scheduler } = this.#run;
    const verifier = this.#verifier;
    scheduler.withdraw(file, piece);
    try {
      await this.#job.forget(piece);
      // Where there is no room for it, sending it again is of no use.
      await this.#job.onStaged(token, (staged) => staged.checkRoom(piece));
    } finally {
      // It may have been begun anew meanwhile.
      if (verifier === this.#verifier) scheduler.settleClaim(file, piece, false);
    }
    const why = `${formatSize(piece.length)} at ${formatSize(piece.offset)} are wrong on the server`;
    this.#run.notice('sent-again', `${name}: ${why}, and sent again.`, 'warning');
    this.#run.pump();
  }
}

/** @see Verify `hash` */
export function noDigests(): CopyError {
  return new CopyError('no-digests', 'The server has no way to make digests that can be relied on.');
}
