/**
 * The upload of one file, as its file job uses it: the file is staged on one connection, written by as many connections
 * as the server allows, sealed and published. This class passes what happens to its parts: {@link StagedHolders} (the
 * connections that have the staged file open), {@link FileWriters} (those that may write it), {@link EarlierStages}
 * (what earlier runs left), {@link Staging} and {@link UploadCommit}.
 */
import { CopyError } from '../../errors.ts';
import type { Range, Staged } from '../../remotes/remote.ts';
import { LocalDigests } from '../local/local-digests.ts';
import type { LocalSource } from '../local/local-source.ts';
import { SourceWatch } from '../local/source-watch.ts';
import type { FileJournal, JournalSubject } from '../resume/file-journal.ts';
import { fillFrom } from '../runner/descriptor-fill.ts';
import type { PieceHashing } from '../runner/piece-hasher.ts';
import type { RunnerCommand } from '../runner/piece-runner.ts';
import type { Examined, RunnerAnswer } from '../transfer/direction.ts';
import type { Begun, Committed, FailedJobState, FileTransfer, JobControl } from '../transfer/file-transfer.ts';
import type { FileSides } from '../transfer/job-verification.ts';
import type { SyncPoint } from '../transfer/periodic-sync.ts';
import { digestBack } from '../verify/digest-back.ts';
import { examineFailure } from './failures/examine-failure.ts';
import { FileWriters } from './file-writers.ts';
import { StagedAccess } from './staged-access.ts';
import { StagedHolders } from './staged-holders.ts';
import { EarlierStages } from './stages/earlier-stages.ts';
import { Staging } from './staging.ts';
import { UploadCommit } from './upload-commit.ts';
import type { UploadServices } from './upload-options.ts';
import type { UploadPlan } from './upload-plan.ts';

export class UploadFile implements FileTransfer {
  readonly local: LocalDigests;
  readonly #services: UploadServices;
  readonly #job: JobControl;
  readonly #plan: UploadPlan;
  readonly #source: LocalSource;
  readonly #watch: SourceWatch;
  readonly #holders: StagedHolders;
  readonly #stagedAccess: StagedAccess;
  readonly #staging: Staging;
  readonly #writers: FileWriters;
  readonly #commit: UploadCommit;
  /** What earlier runs staged; undefined where nothing is kept for another run. */
  #earlier: EarlierStages | undefined;

  /** `number`: of the file job, from 1. */
  constructor(number: number, services: UploadServices, job: JobControl, plan: UploadPlan, source: LocalSource) {
    const { access, runner, upload, options, continuity, report } = services;
    const { name, target } = plan;
    const { fd, size } = source;
    this.#services = services;
    this.#job = job;
    this.#plan = plan;
    this.#source = source;
    this.local = new LocalDigests(fillFrom(fd));
    this.#watch = new SourceWatch(source, (error) => job.stop(error));
    this.#holders = new StagedHolders(number, runner);
    this.#stagedAccess = new StagedAccess(
      { access, runner: runner.local, writers: upload.writers },
      this.#holders,
      job,
    );
    this.#staging = new Staging(
      { ...services, runner: runner.local, ledger: job.ledger },
      { number, name, target: target.path, fd, size },
      this.#holders,
    );
    this.#writers = new FileWriters(services, { number, fd, size }, this.#holders, job);
    this.#commit = new UploadCommit(
      { verify: options.verify, access, runner: runner.local, continuity, report, upload },
      { ...plan, size, source, old: target.old },
      this.#holders,
      job,
    );
  }

  get name(): string {
    return this.#plan.name;
  }

  get size(): number {
    return this.#source.size;
  }

  get journalSubject(): JournalSubject | undefined {
    // A target that is written in place has no staged file that another run could continue.
    if (this.#services.upload.inplace) return undefined;
    const { paths, target } = this.#plan;
    const { size, mtimeMs, identity } = this.#source;
    const about = { sourcePath: paths.source, source: identity, targetPath: paths.target };
    return { direction: 'upload', ...about, target: target.path, size, mtimeMs, local: this.local };
  }

  get sides(): FileSides {
    const token = this.#holders.token!;
    const access = this.#stagedAccess;
    return {
      of: token,
      fd: this.#source.fd,
      back: (ranges, algorithm) => access.withStaged(token, (staged) => digestBack(staged, ranges, algorithm)),
      wrongText: 'are wrong on the server, and sent again',
      // Where there is no room for the piece, sending it again is of no use.
      beforeRepeat: (piece) => access.withStaged(token, (staged) => staged.checkRoom(piece)),
    };
  }

  async begin(attempt: number, journal: FileJournal | undefined): Promise<Begun> {
    if (journal !== undefined) this.#earlier ??= this.#openEarlier(journal);
    this.#writers.begin(journal);
    const staged = await this.#staging.stage(attempt, this.#earlier);
    const { abilities, pieceSize, reopened } = staged;
    this.#writers.onStaged(staged);
    await this.#earlier?.beginJournal(this.#holders.token!, pieceSize, reopened);
    this.#writers.onJournalBegun();
    return { pieceSize, smallestCut: abilities.smallestCut, claims: reopened, only: this.#holders.owner };
  }

  onOpened(): void {
    const { pieceSize, reopened } = this.#staging.last!;
    // Bytes that the server may already have are not sent until that is known.
    this.#earlier?.consider(this.#holders.token!, pieceSize, reopened === undefined);
    this.#writers.onOpened();
  }

  onTransferring(): void {
    this.#stagedAccess.onRegained();
    this.#writers.share();
    // This comes first, because a probe has to wait for all tasks that are in progress.
    this.#considerProbe();
  }

  command(task: number, connection: number, range: Range, hashing: PieceHashing | undefined): RunnerCommand {
    this.#holders.add(connection);
    return { kind: 'send', task, connection, fd: this.#source.fd, of: this.#holders.token!, range, hashing };
  }

  get syncPoint(): SyncPoint | undefined {
    const { local } = this.#services.runner;
    const { token, localHolder: connection } = this.#holders;
    if (token === undefined || connection === undefined) return undefined;
    const staged = (): Promise<Staged> => local.joined(connection, token);
    const durable = local.connection(connection)?.abilities.durable;
    return { connection, durable, staged, isHeld: () => local.holds(connection, token) };
  }

  get isProbing(): boolean {
    return this.#writers.isProbing;
  }

  checkUnchanged(): Promise<void> {
    return this.#source.checkUnchanged();
  }

  onAcknowledged(parts: readonly Range[]): void {
    this.#staging.onAcknowledged(parts);
  }

  onTaskFailed(error: CopyError, connection: number): boolean {
    return this.#writers.onTaskFailed(error, connection);
  }

  onAnswer(answer: RunnerAnswer): void {
    if (answer.kind === 'file-closed') return;
    const error = answer.error && CopyError.fromData(answer.error);
    if (answer.kind === 'probed') return this.#writers.onProbed(answer, error);
    if (this.#holders.token?.stage === answer.of.stage) this.#holders.onLeft(answer.connection, error);
  }

  onConnectionOpened(): void {
    this.#considerProbe();
  }

  onConnectionLost(connection: number): void {
    this.#holders.onConnectionLost(connection);
    this.#writers.share();
  }

  mayRelocate(connection: number): boolean {
    return this.#writers.mayRelocate(connection);
  }

  onTick(nowMs: number): void {
    this.#watch.lookIfDue(nowMs);
  }

  onRunOver(error: CopyError): void {
    this.#writers.onRunOver(error);
  }

  /** Returns false if the server reports on a CLOSE that it did not keep what was sent. */
  async suspend(): Promise<boolean> {
    await this.#writers.settled();
    await this.#job.drain();
    return this.#holders.leave().then(
      () => true,
      () => false,
    );
  }

  continue(): Promise<void> {
    return this.#staging.regain();
  }

  async settle(): Promise<void> {
    this.#stagedAccess.stop();
    await this.#writers.settled();
    await this.#earlier?.settled();
  }

  async commit(): Promise<Committed> {
    const committed = await this.#commit.run();
    await this.#earlier?.removeSuperseded();
    return committed;
  }

  /**
   * Removes the staged file if the run was stopped, or ends because of what others staged, and no journal names the
   * file. After a refusal it stays until it has been examined.
   */
  async beforeKeep(): Promise<void> {
    const { signal } = this.#services;
    const isStopped = (signal.aborted && signal.reason.code === 'cancelled') || this.#earlier?.hasEndedRun === true;
    const isUnknown = this.#earlier === undefined ? !this.#staging.hasManyPieces : !this.#earlier.hasJournal;
    if (isStopped && isUnknown && !this.#commit.hasSealed) await this.#discardUnknown();
  }

  abandon(): void {
    this.#writers.stop();
    void this.#holders.leave().catch(() => {});
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  examine(failure: CopyError, { bytesThere, journal }: FailedJobState): Promise<Examined> {
    const { access, upload } = this.#services;
    const { path, old } = this.#plan.target;
    const job = {
      target: path,
      token: this.#holders.token,
      isContinuable: this.#staging.hasManyPieces,
      size: this.size,
      bytesThere,
      inplace: upload.inplace,
      partial: journal?.isJournalled ? ('known' as const) : ('left' as const),
      oldSize: old?.size,
      keptWithin: (size: number) => journal?.keptWithin(size) ?? 0,
    };
    return examineFailure(access, job, failure);
  }

  #openEarlier(journal: FileJournal): EarlierStages {
    const { journals, options } = this.#services;
    const { ledger } = this.#job;
    const { path: target, old } = this.#plan.target;
    const file = { target, old, fd: this.#source.fd, size: this.size, pieceSize: options.pieceSize };
    const { resume = false, lookAgainMs } = journals ?? {};
    return new EarlierStages(this.#services, { ...file, isResuming: resume, lookAgainMs }, journal, {
      ledger,
      beginAgain: () => this.#job.beginAgain(),
      fail: (error) => this.#job.fail(error),
      onReleased: () => this.#released(),
    });
  }

  #released(): void {
    // This comes first, because a probe has to wait for all tasks that are in progress.
    this.#considerProbe();
    this.#services.dispatcher.dispatch();
    this.#job.onChanged();
  }

  #considerProbe(): void {
    // Until it is known what the server has of the file, nothing is sent, and a probe would send.
    if (!this.#earlier?.isHolding) this.#writers.considerProbe(this.#staging.foundSize);
  }

  /** Removes the staged file, which no run would continue, if a connection is left. */
  async #discardUnknown(): Promise<void> {
    const { runner, upload } = this.#services;
    const { token, localHolder, owner } = this.#holders;
    const remote = runner.local.connection(localHolder ?? owner);
    if (token === undefined || remote === undefined || upload.inplace) return;
    // The failure that led here is reported, not this one.
    await remote.discard(token).catch(() => {});
  }
}
