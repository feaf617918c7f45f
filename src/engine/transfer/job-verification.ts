/** The verification of one file job: by which means, and what becomes of a piece that is wrong. */
import { CopyError } from '../../errors.ts';
import type { Range } from '../../remotes/remote.ts';
import { formatSize } from '../../util/format-size.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import type { LocalDigests } from '../local/local-digests.ts';
import type { Hashed, PieceHashing } from '../runner/piece-hasher.ts';
import type { Sides } from '../verify/digest-comparison.ts';
import type { DigestProviders } from '../verify/digest-providers.ts';
import { FileVerifier, type Verified } from '../verify/file-verifier.ts';
import { findOverwritten } from '../verify/second-look.ts';
import type { Report } from './direction.ts';
import type { JobLedger } from './job-ledger.ts';
import { comparesContents, demandsContents, type Verify } from './verify.ts';

/** What the journal records of pieces, and what is read back is compared by. */
const OF_JOURNAL = 'sha256';
const NOTHING_VERIFIED: Verified = { byDigest: 0, byReadBack: 0 };

export interface VerificationServices {
  readonly verify: Verify;
  readonly access: Pick<ConnectionAccess, 'repeat'>;
  readonly ledger: JobLedger;
  readonly digests: DigestProviders;
  readonly report: Pick<Report, 'notice'>;
  /** Gives idle connections something to do. */
  dispatch(): void;
}

/** Both sides of a file that was begun. */
export interface FileSides extends Omit<Sides, 'local' | 'repeat'> {
  /** @throws {CopyError} `no-space`: there may be no room for a piece that was acknowledged */
  checkRoom(piece: Range): Promise<void>;
}

/** What is needed of the file job. */
export interface VerifiedJob {
  /** For messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Of the local file. */
  readonly local: LocalDigests;
  /** Whether a journal records digests of pieces. */
  readonly hasJournal: boolean;
  /** @throws {CopyError} `source-changed` */
  checkUnchanged(): Promise<void>;
  /** A piece is not what was acknowledged. Resolves when nothing that outlives the run claims that it is. */
  forget(piece: Range): Promise<void>;
  /** What `isSettled` says may have changed. */
  onChanged(): void;
  onFailed(error: unknown): void;
}

export class JobVerification {
  readonly #services: VerificationServices;
  readonly #job: VerifiedJob;
  #sides: FileSides | undefined;
  #pieceSize = 0;
  #verifier: FileVerifier | undefined;

  constructor(services: VerificationServices, job: VerifiedJob) {
    this.#services = services;
    this.#job = job;
  }

  /** Of the file that was begun last; undefined where nothing but the size is verified. */
  get verifier(): FileVerifier | undefined {
    return this.#verifier;
  }

  /** Both sides of the file that was begun last. */
  get sides(): Sides {
    const { of, fd, back } = this.#sides!;
    const { access } = this.#services;
    return { of, fd, back, local: this.#job.local, repeat: (work, isWanted) => access.repeat(work, isWanted) };
  }

  /** The file has begun, and the ledger is open. */
  begin(sides: FileSides, pieceSize: number): void {
    this.#sides = sides;
    this.#pieceSize = pieceSize;
    this.#verifier = this.#isByContents ? this.#newVerifier(sides) : undefined;
  }

  /**
   * What pieces are to be hashed by while they are read; undefined: nobody wants that. Where the server cannot hash, the
   * journal does.
   */
  get hashing(): PieceHashing | undefined {
    const { digests, verify } = this.#services;
    if (!comparesContents(verify)) return undefined;
    const verifying = verify === 'read-back' ? OF_JOURNAL : digests.algorithm;
    const algorithm = verifying ?? (this.#job.hasJournal ? OF_JOURNAL : undefined);
    return algorithm && { algorithm, pieceSize: this.#pieceSize, fileSize: this.#job.size };
  }

  hashed({ algorithm, pieces }: Hashed): void {
    for (const { piece, digest } of pieces) this.#job.local.learn(piece, algorithm, digest);
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
    return this.#services.verify === 'hash' && (this.#verifier?.hasNoMeans ?? false);
  }

  /** Whether the contents of all of it are verified. */
  get isVerified(): boolean {
    const { byDigest, byReadBack } = this.verified;
    return byDigest + byReadBack === this.#job.size;
  }

  /**
   * What must be verified is, whatever happened on the way.
   * @throws {CopyError} `no-digests`: it is not
   */
  expectVerified(): void {
    if (demandsContents(this.#services.verify) && !this.isVerified) throw noDigests();
  }

  /** See {@link findOverwritten}. */
  async findOverwritten(): Promise<Range | undefined> {
    const { digests: providers } = this.#services;
    const { inUse } = providers;
    const pieces = inUse === undefined ? [] : (this.#verifier?.verifiedBy(inUse) ?? []);
    return pieces.length > 0 ? findOverwritten({ providers, sides: this.sides, pieces }) : undefined;
  }

  get #isByContents(): boolean {
    const { verify, digests } = this.#services;
    return demandsContents(this.#services.verify) || (verify === 'auto' && digests.isWanted);
  }

  #newVerifier(sides: FileSides): FileVerifier {
    const { ledger, digests, verify } = this.#services;
    const file = { ...this.sides, size: this.#job.size, pieceSize: this.#pieceSize };
    return new FileVerifier(file, ledger, verify === 'read-back' ? undefined : digests, {
      onChanged: () => this.#job.onChanged(),
      onFailed: (error) => this.#failed(error),
      onWrong: (piece) => this.#sendAgain(sides, piece),
    });
  }

  /** A piece that is wrong however often it is sent: the source may have changed meanwhile. */
  async #failed(error: CopyError): Promise<void> {
    try {
      if (error.code === 'integrity') await this.#job.checkUnchanged();
      this.#job.onFailed(error);
    } catch (change) {
      this.#job.onFailed(change);
    }
  }

  async #sendAgain(sides: FileSides, piece: Range): Promise<void> {
    const { ledger, report } = this.#services;
    const verifier = this.#verifier;
    ledger.withdraw(piece);
    try {
      await this.#job.forget(piece);
      // Where there is no room for it, sending it again is of no use.
      await sides.checkRoom(piece);
    } finally {
      // The file may have begun again meanwhile.
      if (verifier === this.#verifier) ledger.settleClaim(piece, false);
    }
    const why = `${formatSize(piece.length)} at ${formatSize(piece.offset)} are wrong on the server`;
    report.notice('sent-again', `${this.#job.name}: ${why}, and sent again.`, 'warning');
    this.#services.dispatch();
  }
}

/** @see Verify `hash` */
export function noDigests(): CopyError {
  return new CopyError('no-digests', 'The server has no way to make digests that can be relied on.');
}
