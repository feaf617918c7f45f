/**
 * The verification of one file job: decides by which means the file is verified, and has wrong pieces sent again. The
 * pieces themselves are compared by a {@link FileVerifier}, a new one for each attempt.
 */
import { CopyError } from '../../errors.ts';
import type { Range } from '../../remotes/remote.ts';
import { formatSize } from '../../util/format-size.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import type { LocalDigests } from '../local/local-digests.ts';
import type { Hashed, PieceHashing } from '../runner/piece-hasher.ts';
import type { Sides } from '../verify/digest-comparison.ts';
import type { DigestProviders } from '../verify/digest-providers.ts';
import { FileVerifier, type Verified } from '../verify/file-verifier.ts';
import { findOverwritten, findOverwrittenByReading, type Looked } from '../verify/second-look.ts';
import type { Report } from './direction.ts';
import type { JobLedger } from './job-ledger.ts';
import { comparesContents, demandsContents, type Verify } from './verify.ts';

/** The algorithm of the digests in the journal, and of those that bytes are compared by which were read back. */
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
export interface FileSides extends Omit<Sides, 'local' | 'repeat' | 'expectSource'> {
  /** What a message says of pieces that are wrong, such as "are wrong on the server, and sent again". */
  readonly wrongText: string;
  /**
   * Called before a wrong piece is transferred again.
   * @throws {CopyError} `no-space`: there may be no room for it; `source-changed`
   */
  beforeRepeat(piece: Range): Promise<void>;
}

/** What this needs of the file job. */
export interface VerifiedJob {
  /** For messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Digests of the local file. */
  readonly local: LocalDigests;
  /** Whether the file is written on this machine. */
  readonly isTargetLocal: boolean;
  /** Whether a journal records digests of pieces. */
  readonly hasJournal: boolean;
  /** @throws {CopyError} `source-changed`: the source is not what it was when it was opened */
  checkUnchanged(): Promise<void>;
  /** Pieces are, or may be, wrong on the server. Resolves when the journal does not claim them any more. */
  forget(pieces: readonly Range[]): Promise<void>;
  /** The value of {@link JobVerification.isSettled} may have changed. */
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

  /** The verifier of the attempt that was begun last; undefined: contents are not compared. */
  get verifier(): FileVerifier | undefined {
    return this.#verifier;
  }

  /** Both sides of the attempt that was begun last. */
  get sides(): Sides {
    const { of, fd, back } = this.#sides!;
    const { access } = this.#services;
    return {
      of,
      fd,
      back,
      local: this.#job.local,
      expectSource: () => this.#job.checkUnchanged(),
      repeat: (work, isWanted) => access.repeat(work, isWanted),
    };
  }

  /** An attempt has begun, and the ledger is open. */
  begin(sides: FileSides, pieceSize: number): void {
    this.#sides = sides;
    this.#pieceSize = pieceSize;
    this.#verifier = this.#isByContents ? this.#newVerifier(sides) : undefined;
  }

  /**
   * How pieces are to be hashed while they are read to be sent; undefined: their digests are not needed. Where the
   * server cannot hash, the journal needs them.
   */
  get hashing(): PieceHashing | undefined {
    const { digests, verify } = this.#services;
    if (!comparesContents(verify)) return undefined;
    const verifying = verify === 'read-back' ? OF_JOURNAL : digests.algorithm;
    const algorithm = verifying ?? (this.#job.hasJournal ? OF_JOURNAL : undefined);
    return algorithm && { algorithm, pieceSize: this.#pieceSize, fileSize: this.#job.size };
  }

  onHashed({ algorithm, pieces }: Hashed): void {
    for (const { piece, digest } of pieces) this.#job.local.learn(piece, algorithm, digest);
  }

  /** Whether all that is acknowledged is verified, or cannot be. */
  get isSettled(): boolean {
    return this.#verifier?.isSettled ?? true;
  }

  get verified(): Verified {
    return this.#verifier?.verified ?? NOTHING_VERIFIED;
  }

  /** Whether verification by digests is demanded and no provider is left. */
  get lacksMeans(): boolean {
    return this.#services.verify === 'hash' && (this.#verifier?.hasNoMeans ?? false);
  }

  /** Whether the contents of the whole file are verified. */
  get isVerified(): boolean {
    const { byDigest, byReadBack } = this.verified;
    return byDigest + byReadBack === this.#job.size;
  }

  /**
   * A last check before the commit, whatever has happened before.
   * @throws {CopyError} `no-digests`: verification of the contents is demanded, and they are not verified
   */
  expectVerified(): void {
    if (demandsContents(this.#services.verify) && !this.isVerified) throw noDigests(this.#job.isTargetLocal);
  }

  /** See {@link findOverwritten}. */
  async findOverwritten(): Promise<Looked> {
    const { digests: providers } = this.#services;
    const { inUse } = providers;
    const pieces = inUse === undefined ? [] : (this.#verifier?.verifiedBy(inUse) ?? []);
    const readBack = this.#verifier?.verifiedBy('read-back') ?? [];
    if (pieces.length === 0 && readBack.length > 0) return findOverwrittenByReading(this.sides, readBack);
    return findOverwritten({ providers, sides: this.sides, pieces, isTargetLocal: this.#job.isTargetLocal });
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
      onWrong: (piece, doubted) => this.#repeat(sides, piece, doubted),
    });
  }

  /** If a piece is wrong however often it is sent, the reason may be that the source has changed. */
  async #failed(error: CopyError): Promise<void> {
    try {
      if (error.code === 'integrity') await this.#job.checkUnchanged();
      this.#job.onFailed(error);
    } catch (change) {
      this.#job.onFailed(change);
    }
  }

  async #repeat(sides: FileSides, piece: Range, doubted: readonly Range[]): Promise<void> {
    const { ledger, report } = this.#services;
    const verifier = this.#verifier;
    ledger.withdraw(piece);
    try {
      // To forget something, the journal is written anew. Where one piece is wrong, the others that differ are mostly
      // wrong too: they are forgotten with it, so that the journal is not written anew for each of them.
      await this.#job.forget([piece, ...doubted]);
      await sides.beforeRepeat(piece);
    } finally {
      // The file may have begun again in the meantime, with another verifier.
      if (verifier === this.#verifier) ledger.settleClaim(piece, false);
    }
    const what = `${formatSize(piece.length)} at ${formatSize(piece.offset)}`;
    report.notice('sent-again', `${this.#job.name}: ${what} ${sides.wrongText}.`, 'warning');
    this.#services.dispatch();
  }
}

/** The failure of {@link Verify} `hash` if no provider is left. */
export function noDigests(isTargetLocal: boolean): CopyError {
  const message = 'The server has no way to make digests that can be relied on.';
  // What has arrived here cannot be read back from the server.
  const advice = 'Put the helper on the server with --install-helper, or use --verify auto.';
  return new CopyError('no-digests', message, isTargetLocal ? { advice } : {});
}
