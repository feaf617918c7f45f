/**
 * Deals with what earlier runs staged for the target of one file job: it is continued, copied by the server, or
 * removed. The journal names what this machine staged. What others staged is found by listing the directory ({@link
 * ForeignStages}).
 */
import type { Attributes, Range, RemoteConnection, StageToken } from '../../../remotes/remote.ts';
import type { ConnectionAccess } from '../../connections/connection-access.ts';
import type { FileJournal } from '../../resume/file-journal.ts';
import { fillFrom } from '../../runner/descriptor-fill.ts';
import { choosePieceSize, wholePieces } from '../../schedule/grid.ts';
import type { Report } from '../../transfer/direction.ts';
import type { JobLedger } from '../../transfer/job-ledger.ts';
import { type DigestBack, digestBack } from '../../verify/digest-back.ts';
import { longTrialRanges } from '../../verify/digest-comparison.ts';
import type { DigestProviders } from '../../verify/digest-providers.ts';
import { canBeContinued } from '../regain-staged.ts';
import { ForeignStages } from './foreign-stages.ts';
import { type CanCompare, type Reopened, reopenCopy, reopenStaged } from './reopen-staged.ts';

export interface EarlierStagesServices {
  readonly access: Pick<ConnectionAccess, 'withConnection'>;
  readonly digests: Pick<DigestProviders, 'isAvailable' | 'isSurelyAvailable' | 'trusted'>;
  readonly report: Pick<Report, 'notice' | 'emit'>;
}

/** The file job. */
export interface ContinuedJob {
  readonly ledger: Pick<JobLedger, 'pause' | 'resume'>;
  /** The file begins again, in the copy that {@link EarlierStages.takeCopy} names. */
  beginAgain(): void;
  fail(error: unknown): void;
  /** Ranges may be handed out again. */
  onReleased(): void;
}

export interface EarlierStagesOptions {
  readonly target: Uint8Array;
  /** The local file, and its length in bytes. */
  readonly fd: number;
  readonly size: number;
  /** What is at the target; undefined: nothing. */
  readonly old?: Attributes | undefined;
  readonly pieceSize: number | 'auto';
  /** False: what earlier runs left is removed. */
  readonly isResuming: boolean;
  /** The time between two examinations of a file that another run may be writing, in milliseconds. Default: 3000. */
  readonly lookAgainMs?: number | undefined;
}

export class EarlierStages {
  readonly #services: EarlierStagesServices;
  readonly #options: EarlierStagesOptions;
  readonly #journal: FileJournal;
  readonly #foreign: ForeignStages;
  /** The copy in which the next attempt continues. */
  #copy: StageToken | undefined;
  /** Whether nothing is handed out now, because the server may already have it. */
  #isHolding = false;
  /** The consideration of what others staged; never rejects. */
  #considering: Promise<void> | undefined;
  /** What an earlier run on this machine staged from another source. */
  #outdated: StageToken | undefined;
  #ending: AbortController = new AbortController();

  /** Begins to look for what others staged. */
  constructor(services: EarlierStagesServices, options: EarlierStagesOptions, journal: FileJournal, job: ContinuedJob) {
    this.#services = services;
    this.#options = options;
    this.#journal = journal;
    this.#foreign = new ForeignStages(services, options, {
      hold: () => {
        this.#isHolding = true;
        job.ledger.pause('search');
      },
      release: () => {
        this.#isHolding = false;
        job.ledger.resume('search');
        job.onReleased();
      },
      moveTo: (token) => {
        this.#copy = token;
        job.beginAgain();
      },
      onFailed: (error) => job.fail(error),
    });
  }

  /** Whether nothing is handed out now, because the server may already have it. */
  get isHolding(): boolean {
    return this.#isHolding;
  }

  /** Whether the journal names a staged file. Before {@link beginJournal}, that is one of an earlier run. */
  get hasJournal(): boolean {
    return this.#journal.staged !== undefined;
  }

  /** See {@link ForeignStages.hasEndedRun}. */
  get hasEndedRun(): boolean {
    return this.#foreign.hasEndedRun;
  }

  /** The file is about to be staged. {@link settled} must have resolved for an earlier attempt. */
  begin(): void {
    this.#isHolding = false;
    this.#ending = new AbortController();
  }

  /** The copy in which the file is to be continued; undefined: there is none. It is returned only once. */
  takeCopy(): StageToken | undefined {
    const copy = this.#copy;
    this.#copy = undefined;
    return copy;
  }

  /** Opens what an earlier run on this machine left. If the server can compute digests, those decide what is right. */
  async reopen(remote: RemoteConnection): Promise<Reopened | undefined> {
    // The search for a digest provider takes time, and is needed only if something can be continued.
    if (!this.#journal.mayContinue) return undefined;
    const canCompare = (await this.#services.digests.isAvailable()) ? this.#canCompare(remote) : undefined;
    return this.#continuable(remote, await reopenStaged(remote, this.#journal, this.#options, canCompare));
  }

  /** Opens the copy that {@link takeCopy} named; undefined where it is gone, or its contents cannot be compared. */
  async adopt(remote: RemoteConnection, token: StageToken): Promise<Reopened | undefined> {
    const copy = await reopenCopy(remote, token, this.#options, this.#canCompare(remote));
    const adopted = await this.#continuable(remote, copy);
    if (adopted === undefined) await this.#foreign.dismiss(token);
    return adopted;
  }

  /**
   * Removes what an earlier run on this machine staged and this one does not continue, unless the server may copy from
   * it.
   */
  async discardOwn(remote: RemoteConnection): Promise<void> {
    const { staged, mayContinue } = this.#journal;
    if (staged === undefined) return;
    // It is removed when the server has copied what it can.
    if (!mayContinue && (await this.#mayCopy())) this.#outdated = staged;
    else await remote.discard(staged);
  }

  /**
   * Removes what others staged, if nothing is to be continued.
   * @throws {CopyError} `target-busy`: another run is writing one of the files
   */
  async clear(own: StageToken): Promise<void> {
    if (!this.#options.isResuming) await this.#foreign.clear(own, this.#ending.signal);
  }

  /**
   * The file was staged. Resolves when the journal on the disk is about it. While it is not known whether the file will
   * be continued in a copy of something else, there is no journal about it yet.
   */
  async beginJournal(own: StageToken, pieceSize: number, reopened: Reopened | undefined): Promise<void> {
    if (reopened?.isOurs) return;
    if (reopened === undefined && !this.#foreign.isConsidered) await this.#journal.setAside();
    else await this.#journal.begin(own, pieceSize);
    // If this run is killed before all of the copy is compared, the next one compares the rest.
    if (reopened !== undefined) await this.#journal.noteAcknowledged(reopened.claims);
  }

  /** See {@link ForeignStages.consider}. `isEmpty`: nothing of an earlier run is continued. */
  consider(own: StageToken, pieceSize: number, isEmpty: boolean): void {
    this.#considering = this.#foreign.consider({
      own,
      outdated: this.#outdated,
      isEmpty,
      minLength: pieceSize,
      mayCopy: () => this.#mayCopy(),
      keepOwn: () => this.#journal.begin(own, pieceSize),
      signal: this.#ending.signal,
    });
  }

  /** Ends the consideration, and resolves when nothing is in progress. */
  async settled(): Promise<void> {
    this.#ending.abort();
    await this.#considering;
  }

  /**
   * See {@link ForeignStages.removeSuperseded}. The file may have been complete before a copy was, which is removed.
   */
  async removeSuperseded(): Promise<void> {
    await this.settled();
    const copy = this.takeCopy();
    if (copy !== undefined) await this.#foreign.dismiss(copy);
    await this.#foreign.removeSuperseded();
  }

  /** Undefined, and closed, if the server ignores offsets: wrong bytes could not be overwritten then. */
  async #continuable(remote: RemoteConnection, reopened: Reopened | undefined): Promise<Reopened | undefined> {
    if (reopened === undefined || remote.abilities.writers !== 'unknown') return reopened;
    const { fd, size } = this.#options;
    if (await canBeContinued(reopened.staged, size, fillFrom(fd))) return reopened;
    await reopened.staged.close();
    return undefined;
  }

  #canCompare(remote: RemoteConnection): CanCompare {
    const { fd, size, pieceSize: wanted } = this.#options;
    const pieceSize = choosePieceSize(size, remote.abilities.pieceSize, wanted);
    return async (staged, claims) => {
      const pieces = [...wholePieces(claims, size, pieceSize)];
      const ranges = (): Promise<Range[]> => longTrialRanges(fd, pieces);
      const back: DigestBack = (some, algorithm) => digestBack(staged, some, algorithm);
      if (pieces.length === 0) return false;
      return (await this.#services.digests.trusted({ of: staged.token, back, ranges })) !== undefined;
    };
  }

  /** Whether a copy would be of use: only if its contents can be compared by digests. */
  async #mayCopy(): Promise<boolean> {
    // Without an answer, everything is sent.
    return this.#options.isResuming && (await this.#services.digests.isSurelyAvailable());
  }
}
