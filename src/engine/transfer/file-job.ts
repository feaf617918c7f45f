/**
 * One file job, in either direction. It owns the ledger, the verification and the resume of its file; what depends on
 * the direction is behind its `FileTransfer`.
 *
 *               begin                        everything acknowledged and verified
 *   ┌────────┐ ───────▶ ┌──────────────┐ ───────────────────────────────────────────▶ ┌────────────┐
 *   │ staging│          │ transferring │                                              │ committing │ ──▶ done
 *   └────────┘ ◀─────┐  └──────────────┘ ◀──────────────────┐                         └────────────┘
 *                    │         │ interrupted, for example   │ continued with what          │ interrupted: the server
 *       nothing that │         ▼ with its connections       │ is still there               │ may have lost something
 *       was sent is  │  ┌──────────────┐                    │                              │
 *       left         └─ │ interrupted  │ ───────────────────┘ ◀────────────────────────────┘
 *                       └──────────────┘
 *
 * Any other failure ends the job in each of these states. What the server has is then made durable and recorded in the
 * journal, so that another run can continue. A job that is interrupted again and again fails when the number of its
 * acknowledged bytes has reached no new maximum for the time to retry.
 */
import { CopyError } from '../../errors.ts';
import type { Range } from '../../remotes/remote.ts';
import type { Hashed } from '../runner/piece-hasher.ts';
import type { RunnerCommand } from '../runner/piece-runner.ts';
import type { Examined, FileResult, JobServices, RunnerAnswer, RunningJob } from './direction.ts';
import type { FileTransfer, JobControl } from './file-transfer.ts';
import { BeginAgain, Interrupted, StartOver } from './interruption.ts';
import { JobLedger } from './job-ledger.ts';
import { JobPatience } from './job-patience.ts';
import { type Claims, claimedRanges, JobResume } from './job-resume.ts';
import { JobVerification, noDigests } from './job-verification.ts';
import { PeriodicSync } from './periodic-sync.ts';
import { SuspectedLosses } from './suspected-losses.ts';
import { TransferPhase } from './transfer-phase.ts';

const RESTARTED = new CopyError('connection-lost', 'The server may have been restarted.');

export class FileJob implements RunningJob {
  readonly isStream = false;
  readonly #services: JobServices;
  readonly #ledger: JobLedger;
  readonly #transfer: FileTransfer;
  readonly #verification: JobVerification;
  readonly #sync: PeriodicSync;
  readonly #losses: SuspectedLosses;
  readonly #patience: JobPatience;
  readonly #phase: TransferPhase = new TransferPhase();
  /** Undefined for a file of one piece. */
  #resume: JobResume | undefined;
  /** Bytes that were acknowledged when the job ended. */
  #bytesThere = 0;

  /** `number`: of the job, unique in its run. `open` returns the part that depends on the direction. */
  constructor(number: number, services: JobServices, open: (job: JobControl) => FileTransfer) {
    const { access, options, scheduler, dispatcher, digests, continuity, report } = services;
    const dispatch = (): void => dispatcher.dispatch();
    this.#services = services;
    this.#patience = new JobPatience(options.retryForMs);
    this.#ledger = new JobLedger(scheduler, number, (order) => dispatcher.carryOut(order));
    this.#transfer = open(this.#control());
    this.#verification = new JobVerification(
      { verify: options.verify, access, ledger: this.#ledger, digests, report, dispatch },
      this.#asVerified(),
    );
    this.#losses = new SuspectedLosses(this.#asSuspecting());
    this.#sync = new PeriodicSync(
      { ledger: this.#ledger, continuity },
      {
        onFailed: (error) => this.#phase.stop(error),
        onSynced: (seen) => this.#resume?.onSynced(seen),
      },
    );
  }

  get bytesAcknowledged(): number {
    return this.#ledger.bytesAcknowledged;
  }

  get bytesResumed(): number {
    return this.#resume?.bytesResumed ?? 0;
  }

  isSyncing(nowMs: number): boolean {
    return this.#sync.keepsServerBusy(nowMs);
  }

  async run(): Promise<FileResult> {
    let isKept = true;
    try {
      this.#resume = await this.#openResume();
      const result = await this.#copy();
      isKept = false;
      return result;
    } catch (error) {
      // The server does not have what it has acknowledged, so the journal is of no use.
      isKept = CopyError.from(error).code !== 'integrity';
      throw error;
    } finally {
      await this.#end(isKept);
    }
  }

  async examine(failure: CopyError): Promise<Examined> {
    const nothing: Examined = { failure, bytesKept: 0, isSeen: false };
    const state = { bytesThere: this.#bytesThere, journal: this.#resume?.journal };
    const examined = (await this.#transfer.examine?.(failure, state)) ?? nothing;
    // It is not known which of the bytes are those of the source that the next run copies.
    return failure.code === 'source-changed' ? { ...examined, bytesKept: 0 } : examined;
  }

  command(task: number, connection: number, range: Range): RunnerCommand {
    return this.#transfer.command(task, connection, range, this.#verification.hashing);
  }

  onHashed(hashed: Hashed): void {
    this.#verification.onHashed(hashed);
  }

  onAcknowledged(parts: readonly Range[]): void {
    this.#verification.verifier?.onAcknowledged(parts);
    this.#transfer.onAcknowledged?.(parts);
    this.#patience.onAcknowledged(this.#ledger.bytesAcknowledged);
    this.#syncIfDue(performance.now());
  }

  onTaskEnded(connection: number, error: CopyError | undefined): void {
    if (error?.scope === 'connection') this.#services.pool.drop(connection);
    if (error !== undefined && !this.#transfer.onTaskFailed?.(error, connection)) {
      // What the task did not transfer is handed out again.
      if (error.scope !== 'connection') this.#phase.stop(error);
    }
    this.#look();
  }

  onAnswer(answer: RunnerAnswer): void {
    this.#transfer.onAnswer?.(answer);
  }

  onConnectionOpened(): void {
    this.#transfer.onConnectionOpened?.();
  }

  onConnectionLost(connection: number): void {
    this.#transfer.onConnectionLost?.(connection);
  }

  /** Bytes that were acknowledged and not synced may be lost. */
  onServerMayHaveRestarted(): void {
    if (this.#isTargetLocal || !this.#losses.onMayHaveRestarted()) return;
    this.#verification.verifier?.onDistrusted();
    this.#sync.onTooLate();
  }

  mayRelocate(connection: number): boolean {
    return this.#phase.isTransferring && (this.#transfer.mayRelocate?.(connection) ?? true);
  }

  onTick(nowMs: number): void {
    if (this.#phase.isTransferring) {
      this.#transfer.onTick?.(nowMs);
      this.#resume?.noteAcknowledged(nowMs);
    }
    this.#syncIfDue(nowMs);
  }

  onRunOver(error: CopyError): void {
    this.#phase.stop(error);
    this.#transfer.onRunOver?.(error);
  }

  get #isTargetLocal(): boolean {
    return this.#transfer.lookHere !== undefined;
  }

  #openResume(): Promise<JobResume | undefined> {
    const { journals, options, digests, continuity, dispatcher } = this.#services;
    const { verify, pieceSize } = options;
    const { journalSubject: subject, size } = this.#transfer;
    const services = { verify, ledger: this.#ledger, digests, continuity, dispatch: () => dispatcher.dispatch() };
    const phase = this.#phase;
    const job = {
      verification: this.#verification,
      get isOngoing() {
        return phase.isOngoing;
      },
      lookHere: this.#transfer.lookHere?.bind(this.#transfer),
      onChanged: () => this.#look(),
      onFailed: (error: unknown) => this.#phase.fail(error),
    };
    return JobResume.open(services, job, { journals, subject, size, pieceSize });
  }

  async #copy(): Promise<FileResult> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#send(attempt);
        this.#verification.expectVerified();
        const { bytes, isSizeVerified } = await this.#transfer.commit();
        return { bytes, isSizeVerified, verified: this.#verification.verified };
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  /**
   * Resolves when the next attempt may begin, to continue the file or to begin it again.
   * @throws `error`, or its cause, if no attempt is to be made
   */
  async #recover(error: unknown): Promise<void> {
    if (error instanceof BeginAgain) return;
    if (!(error instanceof Interrupted)) throw error;
    this.#services.signal.throwIfAborted();
    if (this.#patience.hasEnded(performance.now())) throw error.cause;
    const isContinued = !(error instanceof StartOver) && (await this.#suspend());
    this.#phase.setInterrupted(isContinued);
    if (isContinued) return;
    const { report } = this.#services;
    report.notice(
      'started-over',
      `${this.#transfer.name} is sent from the beginning again: ${error.message}`,
      'warning',
    );
  }

  /** Whether the file can be continued. */
  async #suspend(): Promise<boolean> {
    if (this.#transfer.suspend === undefined) return false;
    // Operations that need the staged file wait from now on until it is open again.
    this.#phase.setInterrupted(true);
    return this.#transfer.suspend();
  }

  async #send(attempt: number): Promise<void> {
    const claims = this.#phase.isInterrupted ? await this.#continue() : await this.#begin(attempt);
    // The run may have ended while the file was staged, when there was nothing to stop yet.
    this.#services.signal.throwIfAborted();
    this.#phase.begin();
    this.#losses.accept();
    this.#transfer.onTransferring?.();
    this.#services.dispatcher.dispatch();
    if (claims !== undefined) this.#resume?.check(claims);
    this.#losses.compare();
    this.#look();
    await this.#phase.ended();
    if (!this.#ledger.isComplete) throw new Interrupted(RESTARTED);
    this.#losses.accept();
  }

  async #begin(attempt: number): Promise<Claims | undefined> {
    await this.#quiesce();
    const begun = await this.#transfer.begin(attempt, this.#resume?.journal);
    const { pieceSize, smallestCut, only } = begun;
    // A file of one piece is sent as quickly as it is looked at.
    const claims = this.#resume && begun.claims;
    this.#sync.restart();
    this.#phase.restart();
    this.#losses.restart();
    this.#resume?.begin(pieceSize);
    this.#ledger.open({
      size: this.#transfer.size,
      pieceSize,
      smallestCut,
      only,
      claims: claims ? [...claimedRanges(claims)] : [],
    });
    this.#verification.begin(this.#transfer.sides, pieceSize);
    this.#transfer.onOpened?.();
    return claims;
  }

  async #continue(): Promise<undefined> {
    await this.#transfer.continue?.();
    this.#ledger.resume('drain');
  }

  #syncIfDue(nowMs: number): void {
    // This is called for every acknowledgement, and finding the sync point takes longer.
    if (!this.#phase.isTransferring || !this.#sync.mayBeDue(nowMs)) return;
    const point = this.#transfer.syncPoint;
    if (point !== undefined) this.#sync.ifDue(nowMs, point);
  }

  /** Ends the phase of transferring, or the waiting for the last task, if the condition for that is met now. */
  #look(): void {
    if (this.#ledger.hasTasks) return;
    this.#ledger.onDrained();
    if (this.#verification.lacksMeans) this.#phase.stop(noDigests(this.#isTargetLocal));
    if (!this.#ledger.isComplete || this.#transfer.isProbing) return;
    if (this.#verification.isSettled) this.#phase.complete();
  }

  /** Resolves when nothing works on this file. No task begins until the ledger resumes or is opened again. */
  async #quiesce(): Promise<void> {
    void this.#verification.verifier?.stop();
    await this.#transfer.settle?.();
    await this.#resume?.settled();
    await this.#ledger.drain();
  }

  async #end(isKept: boolean): Promise<void> {
    this.#phase.setInterrupted(false);
    await this.#quiesce();
    await (isKept ? this.#keep() : this.#resume?.journal?.finish());
    this.#bytesThere = this.#ledger.bytesAcknowledged;
    this.#ledger.close();
    // After a failure, files may be open on the server; their closing is not awaited.
    this.#transfer.abandon();
    // The verifier reads the local file, which is closed next.
    await this.#verification.verifier?.stop();
    await this.#transfer.close();
  }

  /** After a failure, makes what the server has durable, as far as that is possible, and records it. */
  async #keep(): Promise<void> {
    await this.#transfer.beforeKeep?.();
    const point = this.#transfer.syncPoint;
    if (point !== undefined) await this.#sync.last(point);
    if (this.#sync.hasFailed) this.#resume?.journal?.noteSyncRefused();
    await this.#resume?.keep(this.#sync.seen);
  }

  #control(): JobControl {
    const [ledger, phase, job] = [this.#ledger, this.#phase, this];
    return {
      ledger,
      get isTransferring() {
        return phase.isTransferring;
      },
      get isOngoing() {
        return phase.isOngoing;
      },
      get verified() {
        return job.#verification.verified;
      },
      get isVerified() {
        return job.#verification.isVerified;
      },
      drain: () => ledger.drain(),
      acknowledge: (ranges) => {
        for (const range of ranges) ledger.acknowledge(range);
        this.#verification.verifier?.onAcknowledged(ranges);
      },
      onChanged: () => this.#look(),
      interrupt: (cause) => phase.stop(new Interrupted(cause)),
      startOver: (cause) => phase.stop(new StartOver(cause)),
      beginAgain: () => phase.fail(new BeginAgain()),
      stop: (error) => phase.stop(error),
      fail: (error) => phase.fail(error),
      findOverwritten: () => this.#verification.findOverwritten(),
      expectKept: () => {
        if (this.#losses.isSuspected) throw new Interrupted(RESTARTED);
      },
      onSyncRefused: (error) => this.#sync.onRefused(error),
    };
  }

  #asSuspecting(): ConstructorParameters<typeof SuspectedLosses>[0] {
    const job = this;
    return {
      name: this.#transfer.name,
      ledger: this.#ledger,
      report: this.#services.report,
      get resume() {
        return job.#resume;
      },
      get isTransferring() {
        return job.#phase.isTransferring;
      },
    };
  }

  #asVerified(): ConstructorParameters<typeof JobVerification>[1] {
    const job = this;
    const { name, size, local } = this.#transfer;
    return {
      name,
      size,
      local,
      isTargetLocal: this.#isTargetLocal,
      get hasJournal() {
        return job.#resume?.journal !== undefined;
      },
      checkUnchanged: () => this.#transfer.checkUnchanged(),
      forget: async (pieces) => {
        this.#sync.invalidate();
        await this.#resume?.journal?.forget(pieces);
      },
      onChanged: () => this.#look(),
      onFailed: (error) => this.#phase.fail(error),
    };
  }
}
