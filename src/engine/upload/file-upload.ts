/** One file job of an upload: stage, send by as many connections as the server lets write, seal, check, publish. */
import { CopyError } from '../../errors.ts';
import type {
  Abilities,
  Published,
  Range,
  RemoteConnection,
  Seal,
  Staged,
  StageToken,
  WriterProbe,
} from '../../remotes/remote.ts';
import { textFromBytes } from '../../util/bytes-text.ts';
import { cleanText } from '../../util/clean-text.ts';
import { type Deferred, deferred } from '../../util/deferred.ts';
import { formatSize } from '../../util/format-size.ts';
import { Patience } from '../connections/patience.ts';
import { fillFrom, type LocalSource, openSource } from '../local/local-source.ts';
import { SourceWatch } from '../local/source-watch.ts';
import type { Reopened } from '../resume/file-resume.ts';
import type { Hashed } from '../runner/piece-hasher.ts';
import { type RunnerCommand, stageKey } from '../runner/piece-runner.ts';
import { choosePieceSize, pieceCount } from '../schedule/grid.ts';
import type { Examined, FileResult, RunnerAnswer, RunningJob } from '../transfer/direction.ts';
import { JobResume, type ResumedJob } from '../transfer/job-resume.ts';
import { JobVerification, noDigests, type VerifiedJob } from '../transfer/job-verification.ts';
import { PeriodicSync } from '../transfer/periodic-sync.ts';
import { TimeLeft } from '../transfer/time-left.ts';
import type { UploadTarget } from './destination.ts';
import { examineFailure, type FailedUpload } from './failures/examine-failure.ts';
import { prepareInPlace } from './failures/prepare-in-place.ts';
import { finalAttributes, isSizeVerified, tellWarnings } from './final-checks.ts';
import { regainStaged } from './regain-staged.ts';
import { StagedHolders } from './staged-holders.ts';
import { StreamUpload } from './stream/stream-upload.ts';
import type { UploadContext } from './upload-context.ts';
import { WriterSearch } from './writer-search.ts';

/** How often a staged file is sealed anew that was touched afterwards. */
const MAX_SEALS = 3;

const RESTARTED = new CopyError('connection-lost', 'The server may have been restarted.');
const NOT_KEPT = new CopyError('connection-lost', 'The server did not keep what a lost connection had written.');
const BEGUN_ANEW = new CopyError('cancelled', 'The file was begun anew.');
const OWNER_LOST = new CopyError('connection-lost', 'The one connection that wrote it was lost.');

/** Sending has to stop, and continues with what is still there; the cause says why. */
class Interrupted extends Error {
  override readonly name: string = 'Interrupted';
}

/** What was written so far is worth nothing; the cause says why. */
class StartOver extends Interrupted {
  override readonly name = 'StartOver';
}

/** The file is continued in another staged file, of which more is there already. */
class MoveTo extends Error {
  override readonly name = 'MoveTo';
  readonly token: StageToken;

  constructor(token: StageToken) {
    super('The file is continued in a copy.');
    this.token = token;
  }
}

export class FileUpload implements RunningJob {
  readonly file: number;
  /** For messages. */
  readonly name: string;
  readonly shownTarget: string;
  /** For events: reversible text of the paths. */
  readonly paths: { readonly source: string; readonly target: string };
  readonly #run: UploadContext;
  readonly #path: Buffer;
  readonly #target: UploadTarget;
  #source!: LocalSource;
  #watch!: SourceWatch;
  #stream: StreamUpload | undefined;
  #verification!: JobVerification;
  #pieces = 0;
  #pieceSize = 0;
  #timeLeft: TimeLeft = new TimeLeft(0, 0, 0);
  /** At the end: bytes that the server has said OK to. */
  #bytesThere = 0;
  /** Size of the staged file when it was opened, bytes. */
  #foundSize = 0;
  readonly #holders: StagedHolders;
  /** Whether acknowledged bytes may have been lost after the last of them was sent. */
  #isDistrusted = false;
  /** Whether it is not sent now, because the server may have it already. */
  #isHeld = false;
  /** Whether it was complete once: then it is kept, whatever happens to it. */
  #isSealed = false;
  /** Between staging and the last acknowledgement; settled by what the connections report. */
  #sent: Deferred<void> | undefined;
  #drained: Deferred<void> | undefined;
  /** Sending was stopped, and is about to continue. */
  #isInterrupted = false;
  /** Settles when a connection holds the staged file again, where one alone may. */
  #regained: Deferred<void> | undefined;
  /** The end of all that was acknowledged since it was staged, bytes. */
  #writtenEnd = 0;
  /** Why it must not continue. */
  #failure: unknown;
  /** What the server may have lost, and is asked about when sending continues. */
  #doubtful: readonly Range[] = [];
  /** The most bytes that were acknowledged, and not thrown away, at one time: more is progress. */
  #mostAcknowledged = 0;
  readonly #patience: Patience;
  readonly #search: WriterSearch;
  readonly #sync: PeriodicSync;
  /** Undefined where nothing is kept for another run. */
  #resume: JobResume | undefined;

  constructor(run: UploadContext, file: number, path: Buffer, target: UploadTarget) {
    this.#run = run;
    this.file = file;
    this.#path = path;
    this.#target = target;
    this.name = cleanText(path);
    this.shownTarget = cleanText(target.path);
    this.#patience = new Patience(run.options.retryForMs);
    this.#holders = new StagedHolders(run.runner);
    this.#search = new WriterSearch(run, file, {
      drain: () => this.#drain(),
      found: (result) => this.#applyProbe(result),
      // Half a probe may have done harm that no later one would see: it is looked at before anything else is written.
      failed: (error) => this.#sent?.reject(error.scope === 'connection' ? interrupted(error) : error),
      ended: () => this.#look(),
    });
    this.#sync = new PeriodicSync(
      run,
      file,
      (error) => this.#sent?.reject(error),
      (seen) => {
        // Of what one connection alone may write, another run could not tell how many may.
        if (this.#othersMayWrite) this.#resume?.synced(seen);
      },
    );
    this.paths = { source: textFromBytes(path), target: textFromBytes(target.path) };
  }

  /** Resolves when the target is in its place; rejects with a CopyError. Either way nothing of it is in use any more. */
  async run(): Promise<FileResult> {
    this.#source = await openSource(this.#path);
    if (this.#source.isStream) return this.#runStream();
    const unsubscribe = this.#run.writers.subscribe(() => this.#share());
    try {
      return await this.#runSized();
    } finally {
      unsubscribe();
    }
  }

  async #runSized(): Promise<FileResult> {
    this.#watch = new SourceWatch(this.#source, (error) => this.#sent?.reject(error));
    this.#verification = new JobVerification(this.#run, this.#asVerified());
    let isDone = false;
    /** The server does not have what it said OK to: what it is said to have is worth nothing. */
    let isDoubtful = false;
    try {
      this.#resume = await JobResume.open(this.#run, this.#asResumed());
      let adopted: StageToken | undefined;
      for (let isFirst = true; ; isFirst = false) {
        try {
          await this.#send(isFirst, adopted);
          const result = await this.#commit();
          isDone = true;
          await this.#resume?.removeSuperseded();
          return result;
        } catch (error) {
          adopted = error instanceof MoveTo ? error.token : undefined;
          if (adopted !== undefined) continue;
          if (!(error instanceof Interrupted)) throw error;
          if (this.#run.error !== undefined) throw this.#run.error;
          if (this.#patience.hasEnded(performance.now())) throw CopyError.from(error.cause);
          this.#isInterrupted = !(error instanceof StartOver) && (await this.#mayContinue());
          if (!this.#isInterrupted) this.#tellStartedOver(error.message);
        }
      }
    } catch (error) {
      isDoubtful = CopyError.from(error).code === 'integrity';
      throw error;
    } finally {
      this.#isInterrupted = false;
      await this.#quiesce();
      await (isDone || isDoubtful ? this.#resume?.finish() : this.#keep());
      this.#bytesThere = this.#run.scheduler.bytesAcknowledged(this.file);
      this.#run.scheduler.removeFile(this.file);
      // After a failure handles are open; nobody waits for a server to close what is of no use.
      void this.#holders.leave().catch(() => {});
      // It reads the source.
      await this.#verification.verifier?.stop();
      await this.#source.close();
    }
  }

  /** Its size says nothing, so that it is sent in another way: nothing below concerns it. */
  async #runStream(): Promise<FileResult> {
    await this.#source.close();
    const { name, shownTarget, paths } = this;
    const { path: target, old } = this.#target;
    const stream = { path: this.#path, name, shownTarget, paths, target, old };
    this.#stream = new StreamUpload(this.#run, stream);
    return this.#stream.run();
  }

  get isStream(): boolean {
    return this.#stream !== undefined;
  }

  get bytesAcknowledged(): number {
    return this.#stream?.bytesAcknowledged ?? this.#run.scheduler.bytesAcknowledged(this.file);
  }

  get size(): number {
    return this.#source.size;
  }

  /** Bytes that an earlier run had sent, and that are still right. */
  get bytesResumed(): number {
    return this.#resume?.bytesResumed ?? 0;
  }

  examine(failure: CopyError): Promise<Examined> {
    const failed: FailedUpload = {
      target: this.#target.path,
      token: this.#holders.token,
      size: this.#source?.size ?? 0,
      bytesThere: this.#bytesThere,
      inplace: this.#run.options.inplace,
      partial: this.#resume?.isJournalled ? 'known' : 'left',
      oldSize: this.#target.old?.size,
      keptWithin: (size) => this.#resume?.keptWithin(size) ?? 0,
    };
    return examineFailure(this.#run, failed, failure);
  }

  hashed(hashed: Hashed): void {
    this.#verification.hashed(hashed);
  }

  /** The command that carries a range, which is about to be given to the connection. */
  command(task: number, connection: number, range: Range): RunnerCommand {
    this.#holders.add(connection);
    const { hashing } = this.#verification;
    return { kind: 'send', task, connection, fd: this.#source.fd, of: this.#holders.token!, range, hashing };
  }

  acknowledged(parts: readonly Range[]): void {
    this.#verification.verifier?.acknowledged(parts);
    for (const { offset, length } of parts) this.#writtenEnd = Math.max(this.#writtenEnd, offset + length);
    const bytes = this.#run.scheduler.bytesAcknowledged(this.file);
    if (bytes > this.#mostAcknowledged) this.#patience.progressed();
    this.#mostAcknowledged = Math.max(this.#mostAcknowledged, bytes);
    const nowMs = performance.now();
    if (this.#sync.mayBeDue(nowMs)) this.#syncIfDue(nowMs);
  }

  taskEnded(connection: number, error: CopyError | undefined): void {
    if (error?.code === 'single-writer') {
      this.#run.writers.decide('one', error.message);
      this.#share();
    } else if (error?.scope === 'connection') {
      this.#run.pool.drop(connection);
      this.#share();
    } else if (error !== undefined) {
      this.#sent?.reject(error);
    }
    this.#look();
  }

  answered(report: RunnerAnswer): void {
    const error = 'error' in report && report.error !== undefined ? CopyError.fromData(report.error) : undefined;
    if (report.kind === 'probed') this.#search.answered(report.task, report.result, error);
    else if (report.kind === 'left' && this.#holders.token !== undefined) {
      if (stageKey(report.of) === stageKey(this.#holders.token)) this.#holders.onLeft(report.connection, error);
    }
  }

  connectionOpened(): void {
    this.#considerProbe();
  }

  connectionLost(connection: number): void {
    this.#holders.onConnectionLost(connection);
    this.#share();
  }

  /** What was acknowledged and not synced cannot be relied on any more. */
  serverMayHaveRestarted(): void {
    const { scheduler } = this.#run;
    const ranges = [...scheduler.atRisk(this.file)];
    if (ranges.length === 0) return;
    this.#isDistrusted = true;
    if (this.#resume?.canRecheck) {
      for (const range of ranges) scheduler.withdraw(this.file, range);
      this.#doubtful = [...this.#doubtful, ...ranges];
      if (this.#sent !== undefined) this.#recheck();
    } else {
      this.#tellSentAgain(scheduler.distrust(this.file));
    }
    this.#verification.verifier?.distrusted();
    this.#sync.cameTooLate();
  }

  /** Where the server can hash, what it may have lost is compared. */
  #recheck(): void {
    const ranges = this.#doubtful;
    this.#doubtful = [];
    if (ranges.length > 0) this.#resume?.recheck(ranges, (bytes) => this.#tellSentAgain(bytes));
  }

  #tellSentAgain(bytes: number): void {
    const why = 'every connection was lost, and the server may have been restarted';
    this.#run.notice('sent-again', `${this.name}: ${formatSize(bytes)} are sent again, because ${why}.`, 'warning');
  }

  #tellStartedOver(why: string): void {
    this.#run.notice('started-over', `${this.name} is sent from the beginning again: ${why}`, 'warning');
  }

  tick(nowMs: number): void {
    if (this.#sent !== undefined) {
      this.#watch.lookIfDue(nowMs);
      this.#resume?.noteAcknowledged(nowMs);
    }
    this.#syncIfDue(nowMs);
  }

  #syncIfDue(nowMs: number): void {
    const holder = this.#holders.localHolder;
    if (this.#sent !== undefined && holder !== undefined) {
      this.#sync.ifDue(nowMs, holder, this.#holders.token!);
    }
  }

  /** Whether the server brings bytes to its disk. */
  get isSyncing(): boolean {
    return this.#sync.isUnderWay;
  }

  /** The run is over. */
  fail(error: CopyError): void {
    this.#sent?.reject(error);
    this.#search.fail(error);
  }

  async #send(isFirst: boolean, adopted: StageToken | undefined): Promise<void> {
    const { scheduler } = this.#run;
    const reopened = this.#isInterrupted ? await this.#regain() : await this.#begin(isFirst, adopted);
    // It may have been told while it was staged, when there was nothing to reject yet.
    if (this.#run.error !== undefined) throw this.#run.error;
    this.#sent = deferred();
    this.#isInterrupted = false;
    this.#isDistrusted = false;
    this.#regained?.resolve();
    this.#regained = undefined;
    if (this.#failure !== undefined) this.#sent.reject(this.#failure);
    this.#share();
    // First, so that nothing is under way that would have to be waited for.
    this.#considerProbe();
    this.#run.pump();
    if (reopened !== undefined) this.#resume?.check(reopened);
    this.#recheck();
    this.#look();
    try {
      await this.#sent.promise;
      if (!scheduler.isComplete(this.file)) throw interrupted(RESTARTED);
      this.#isDistrusted = false;
    } finally {
      this.#sent = undefined;
    }
  }

  /** Stages the file, with what an earlier run left of it, if anything. */
  async #begin(isFirst: boolean, adopted: StageToken | undefined): Promise<Reopened | undefined> {
    const { scheduler, options } = this.#run;
    await this.#quiesce();
    await this.#holders.leave().catch(() => {
      // What an earlier start wrote is thrown away, so its closing may fail.
    });
    const { abilities, reopened } = await this.#stage(isFirst, adopted);
    this.#sync.restart();
    this.#doubtful = [];
    this.#failure = undefined;
    this.#isHeld = false;
    const claims = reopened?.claims ?? [];
    this.#writtenEnd = Math.max(0, ...claims.slice(-1).map(({ offset, length }) => offset + length));
    this.#pieceSize = choosePieceSize(this.size, abilities.pieceSize, options.pieceSize);
    this.#pieces = pieceCount(this.size, this.#pieceSize);
    // What several had written and one crash did not take shows that several may write here; where each piece is verified
    // it would be found out if they may not.
    const isShown = reopened?.by === 'journal' || this.#verification.isDemanded || options.verify === 'auto';
    // A copy was made by the server: it shows nothing.
    const isOurs = claims.length > 0 && reopened?.isOurs;
    if (isOurs && isShown && abilities.writers === 'unknown') this.#run.writers.decide('many');
    await this.#resume?.begin(this.#holders.token!, this.#pieceSize, reopened);
    this.#timeLeft = new TimeLeft(
      this.size,
      claims.reduce((sum, { length }) => sum + length, 0),
      performance.now(),
    );
    scheduler.addFile(this.file, this.size, this.#pieceSize, this.#holders.owner, claims);
    // What the server may have already is not sent before that is known.
    this.#resume?.considerForeign(this.#holders.token!, reopened === undefined);
    this.#verification.begin(this.#holders.token!, this.#pieceSize);
    if (abilities.writers !== 'unknown') this.#run.writers.decide(abilities.writers);
    return reopened;
  }

  /** Stops sending, so that it can continue. False where a CLOSE tells that the server did not keep what was sent. */
  async #mayContinue(): Promise<boolean> {
    // Whoever needs the staged file meanwhile waits until it is regained.
    this.#isInterrupted = true;
    await this.#search.work;
    await this.#drain();
    return this.#holders.leave().then(
      () => true,
      () => false,
    );
  }

  /** The staged file, on another connection, with what is still there. */
  async #regain(): Promise<undefined> {
    const { scheduler, runner, options } = this.#run;
    const token = this.#holders.token!;
    await this.#run.onConnection(async (connection, remote) => {
      const staged = await regainStaged(remote, {
        token,
        acknowledged: scheduler.acknowledgedRanges(this.file),
        // What is in flight at the end of a lost connection would otherwise hide from a probe what it writes.
        cutOffAt: this.#run.writers.known === 'unknown' && !options.inplace ? this.#writtenEnd : undefined,
        fill: fillFrom(this.#source.fd),
      });
      if (this.#run.error !== undefined) throw this.#run.error;
      if (staged === undefined) throw startOver(NOT_KEPT);
      runner.local.adopt(connection, staged);
      this.#foundSize = Math.min(this.size, this.#writtenEnd);
      this.#holders.setOwner(connection, token);
    });
    scheduler.resume(this.file, 'drain');
  }

  async #stage(
    isFirst: boolean,
    adopted: StageToken | undefined,
  ): Promise<{ readonly abilities: Abilities; readonly reopened: Reopened | undefined }> {
    const { options } = this.#run;
    const previous = this.#holders.token;
    const result = await this.#run.onConnection(async (connection, remote) => {
      const reopened = await this.#reopen(remote, isFirst, adopted);
      // Whoever stops the run now wants to continue later, with what is there.
      if (this.#run.error !== undefined) throw this.#run.error;
      if (reopened === undefined && isFirst) await this.#resume?.discardOwn(remote);
      // What an earlier start of this run wrote is not used any more.
      if (previous !== undefined && adopted === undefined) await remote.discard(previous);
      if (options.inplace && isFirst) await prepareInPlace(this.#run, remote, this.#target.path, this.size);
      const how = options.inplace ? 'in-place' : 'new';
      const staged = reopened?.staged ?? (await remote.stage(this.#target.path, how, this.size));
      for (const warning of staged.warnings ?? []) {
        this.#run.notice('attributes', `${this.name}: ${warning}.`, 'warning');
      }
      // What is beyond the end would spoil the digest of the last piece.
      if ((staged.found?.size ?? 0) > this.size) await staged.cutOff(this.size);
      this.#run.runner.local.adopt(connection, staged);
      this.#foundSize = Math.min(this.size, staged.found?.size ?? 0);
      this.#holders.setOwner(connection, staged.token);
      return { abilities: remote.abilities, reopened };
    });
    if (previous !== undefined && adopted !== undefined) {
      await this.#run.onConnection((_, remote) => remote.discard(previous));
    }
    if (isFirst && options.journals?.resume === false) await this.#resume?.clearForeign(this.#holders.token!);
    return result;
  }

  async #reopen(
    remote: RemoteConnection,
    isFirst: boolean,
    adopted: StageToken | undefined,
  ): Promise<Reopened | undefined> {
    if (adopted !== undefined) return this.#resume?.adopt(remote, adopted);
    return isFirst ? this.#resume?.reopen(remote) : undefined;
  }

  /** After a failure: what the server has is made durable as far as it still can be, and noted. */
  async #keep(): Promise<void> {
    // After a refusal, what is left is examined first. Where what others staged is in the way, nothing is worth keeping.
    const isStopped = this.#run.error?.code === 'cancelled' || this.#resume?.isEndedByForeign === true;
    const isUnknown = this.#resume === undefined ? this.#pieces <= 1 : !this.#resume.hasJournal;
    if (isStopped && isUnknown && !this.#isSealed) await this.#discardUnknown();
    const holder = this.#othersMayWrite ? this.#holders.localHolder : undefined;
    if (holder !== undefined) await this.#sync.last(holder, this.#holders.token!);
    await this.#resume?.keep(this.#sync.seen);
  }

  /** What no run will continue is not left behind, if there is a connection left to remove it. */
  async #discardUnknown(): Promise<void> {
    const { runner, options } = this.#run;
    const remote = runner.local.connection(this.#holders.localHolder ?? this.#holders.owner);
    if (this.#holders.token === undefined || remote === undefined || options.inplace) return;
    // The failure that led here is the one to report.
    await remote.discard(this.#holders.token).catch(() => {});
  }

  #asResumed(): ResumedJob {
    const upload = this;
    return {
      file: this.file,
      source: this.#source,
      verification: this.#verification,
      path: this.#path,
      target: this.#target.path,
      get isSending() {
        return upload.#sent !== undefined || upload.#isInterrupted;
      },
      get msLeft() {
        return upload.#timeLeft.ms(upload.bytesAcknowledged, performance.now());
      },
      hold: () => this.#hold(),
      release: () => this.#release(),
      moveTo: (token) => this.#fail(new MoveTo(token)),
      changed: () => this.#look(),
      failed: (error) => this.#fail(error),
    };
  }

  /** Nothing more is handed out until {@link #release}; what was not taken is taken back. */
  #hold(): void {
    this.#isHeld = true;
    for (const order of this.#run.scheduler.pause(this.file, 'search')) this.#run.give(order);
  }

  #release(): void {
    this.#isHeld = false;
    this.#run.scheduler.resume(this.file, 'search');
    // First, so that nothing is under way that would have to be waited for.
    this.#considerProbe();
    this.#run.pump();
    this.#look();
  }

  #asVerified(): VerifiedJob {
    const upload = this;
    return {
      file: this.file,
      name: this.name,
      source: this.#source,
      get hasJournal() {
        return upload.#resume !== undefined;
      },
      onStaged: (token, work) => this.#onStaged(token, work),
      forget: async (piece) => {
        this.#sync.invalidate();
        await this.#resume?.forget([piece]);
      },
      changed: () => this.#look(),
      failed: (error) => this.#fail(error),
    };
  }

  /** Where others must not open it, its owner alone can tell what is in it. */
  async #onStaged<T>(token: StageToken, work: (staged: Staged) => Promise<T>): Promise<T> {
    const { runner } = this.#run;
    const workOn = async (connection: number): Promise<T> => {
      if (token !== this.#holders.token) throw BEGUN_ANEW;
      this.#holders.add(connection);
      const result = await work(await runner.local.joined(connection, token));
      this.#run.progressed();
      return result;
    };
    for (;;) {
      if (this.#othersMayWrite)
        return this.#run.onConnection(workOn, { prefer: this.#holders.localHolder ?? this.#holders.owner });
      if (token !== this.#holders.token) throw BEGUN_ANEW;
      if (this.#holders.isOwnerHolding) return workOn(this.#holders.owner);
      if (this.#sent === undefined && !this.#isInterrupted) throw OWNER_LOST;
      this.#regained ??= deferred();
      await this.#regained.promise;
    }
  }

  #fail(error: unknown): void {
    if (this.#sent !== undefined) this.#sent.reject(error);
    else if (this.#isInterrupted) this.#failure ??= error;
  }

  get #othersMayWrite(): boolean {
    return this.#run.writers.known === 'many';
  }

  /** Whether its bytes are being sent, by many connections, and `connection` has nothing else to do for it. */
  mayRelocate(connection: number): boolean {
    return (
      this.#othersMayWrite && this.#sent !== undefined && connection !== this.#holders.owner && !this.#search.isAsking
    );
  }

  /**
   * Who may work on it: all, or its owner alone, and if that is gone nobody: then it gets another. A file of one piece
   * stays with its owner as well, as long as there is one: joining costs the others more than they could send.
   */
  #share(): void {
    if (this.#sent === undefined) return;
    const isOwnerHolding = this.#holders.isOwnerHolding;
    if (!this.#othersMayWrite && !isOwnerHolding) return this.#sent.reject(interrupted(OWNER_LOST));
    const shared = this.#othersMayWrite && (this.#pieces > 1 || !isOwnerHolding);
    this.#run.scheduler.restrict(this.file, shared ? undefined : this.#holders.owner);
  }

  /** Settles what is waited for, if it has come. */
  #look(): void {
    const { scheduler } = this.#run;
    if (scheduler.hasTasks(this.file)) return;
    this.#drained?.resolve();
    this.#drained = undefined;
    if (this.#verification.lacksMeans) this.#sent?.reject(noDigests());
    if (!scheduler.isComplete(this.file) || this.#search.isAsking) return;
    if (this.#verification.isSettled) this.#sent?.resolve();
  }

  /** Resolves when no connection works on this file; none begins to until the scheduler resumes it. */
  async #quiesce(): Promise<void> {
    this.#regained?.reject(BEGUN_ANEW);
    this.#regained = undefined;
    void this.#verification.verifier?.stop();
    await this.#search.work;
    await this.#resume?.settled();
    await this.#drain();
  }

  async #drain(): Promise<void> {
    const { scheduler } = this.#run;
    for (const order of scheduler.pause(this.file, 'drain')) this.#run.give(order);
    while (scheduler.hasTasks(this.file)) {
      this.#drained ??= deferred();
      await this.#drained.promise;
    }
  }

  #considerProbe(): void {
    // One piece is sent by its owner anyway.
    if (this.#sent === undefined || this.#pieces < 2 || this.#isHeld) return;
    this.#search.consider({
      owner: this.#holders.owner,
      fd: this.#source.fd,
      of: this.#holders.token!,
      foundSize: this.#foundSize,
      size: this.size,
    });
  }

  #applyProbe({ writers, reason, written }: WriterProbe): void {
    for (const range of written ?? []) this.#run.scheduler.acknowledgedElsewhere(this.file, range);
    this.#verification.verifier?.acknowledged(written ?? []);
    this.#run.writers.decide(writers, reason);
    if (written === undefined) {
      this.#sent?.reject(startOver(new CopyError('single-writer', reason ?? 'The server lost data.')));
    }
  }

  async #commit(): Promise<FileResult> {
    this.#verification.expectVerified();
    if (this.#run.options.inplace) await this.#expectUntouched();
    // All that do not seal leave: also one that owned the file once, and is in another thread now.
    const sealer = this.#holders.isOwnerHolding ? this.#holders.owner : undefined;
    await this.#holders.leave(sealer);
    this.#run.emit({ type: 'file', state: 'committing', ...this.paths, size: this.size });
    const { seal, published } = await this.#sealAndPublish();
    tellWarnings(this.#run, this, seal, published);
    const { verified } = this.#verification;
    return { bytes: this.size, sizeVerified: isSizeVerified(this.#run, this, published, verified), verified };
  }

  /**
   * Nobody can be kept from writing into the target itself.
   * @throws CopyError `target-busy` where something has changed that was verified
   */
  async #expectUntouched(): Promise<void> {
    try {
      if ((await this.#verification.findOverwritten()) === undefined) return;
      // What a crash of the server took, nobody has overwritten.
      await this.#run.onConnection((connection) => this.#run.assureContinuity(connection), {
        prefer: this.#holders.owner,
      });
    } catch (error) {
      const failure = CopyError.from(error);
      throw failure.scope === 'connection' ? interrupted(failure) : failure;
    }
    if (this.#isDistrusted) throw interrupted(RESTARTED);
    const message = `Another program writes into ${this.shownTarget} too: what had been verified there has changed.`;
    const advice = 'End that program, which may run on another machine, then run the same command again.';
    throw new CopyError('target-busy', message, { advice });
  }

  async #sealAndPublish(): Promise<{ readonly seal: Seal; readonly published: Published }> {
    for (let attempt = 1; ; attempt++) {
      const seal = this.#othersMayWrite ? await this.#sealAnywhere() : await this.#sealOnOwner();
      // What was lost before sealing synced it would be a hole.
      if (this.#isDistrusted) throw interrupted(RESTARTED);
      this.#run.scheduler.synced(this.file, [{ offset: 0, length: this.size }]);
      await this.#source.checkUnchanged();
      let again = false;
      try {
        const published = await this.#run.onConnection((_, remote) => {
          const publishing = remote.publish(this.#holders.token!, seal, {
            again,
            replaces: this.#target.old ?? 'nothing',
          });
          again = true;
          return publishing;
        });
        return { seal, published };
      } catch (error) {
        // What a connection that was lost had in flight may come late: the right bytes, but a new time.
        const { code, retry } = CopyError.from(error);
        const isLate = this.#holders.hasLostOne && this.#othersMayWrite && code === 'target-busy' && retry;
        if (!isLate || attempt === MAX_SEALS) throw error;
      }
    }
  }

  #sealAnywhere(): Promise<Seal> {
    return this.#run.onConnection((connection) => this.#seal(connection), { prefer: this.#holders.owner });
  }

  /** Where others must not open it, its connection must do everything. */
  async #sealOnOwner(): Promise<Seal> {
    try {
      if (!this.#holders.isOwnerHolding) throw OWNER_LOST;
      return await this.#seal(this.#holders.owner);
    } catch (error) {
      const failure = CopyError.from(error);
      throw failure.scope === 'connection' ? interrupted(failure) : failure;
    }
  }

  async #seal(connection: number): Promise<Seal> {
    const { runner } = this.#run;
    const attributes = finalAttributes(this.#run, this.#source, this.#target.old);
    const staged = await runner.local.joined(connection, this.#holders.token!);
    this.#isSealed = true;
    const { isVerified } = this.#verification;
    const seal = await staged.seal({ size: this.size, isVerified, ...attributes }).catch((error: unknown) => {
      if (CopyError.from(error).scope === 'file') this.#sync.refused();
      throw error;
    });
    await this.#run.assureContinuity(connection);
    runner.local.forget(connection, this.#holders.token!);
    return seal;
  }
}

function interrupted(cause: CopyError): Interrupted {
  return new Interrupted(cause.message, { cause });
}

function startOver(cause: CopyError): StartOver {
  return new StartOver(cause.message, { cause });
}
