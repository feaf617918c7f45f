/**
 * One file of a download, as its file job sees it: read from the server by as many connections as the server lets read
 * it, written to a partial file beside the target, which takes the target's name when it is complete.
 */
import { CopyError } from '../../errors.ts';
import type { Attributes, Range } from '../../remotes/remote.ts';
import { cleanText } from '../../util/clean-text.ts';
import { formatSize } from '../../util/format-size.ts';
import { LocalDigests } from '../local/local-digests.ts';
import { LocalPartial } from '../local/local-partial.ts';
import { bytesOnDisk } from '../local/local-partials.ts';
import { SourceWatch } from '../local/source-watch.ts';
import type { FileJournal, JournalSubject } from '../resume/file-journal.ts';
import { fillFrom } from '../runner/descriptor-fill.ts';
import type { PieceHashing } from '../runner/piece-hasher.ts';
import type { RunnerCommand } from '../runner/piece-runner.ts';
import { choosePieceSize, MIN_PIECE_SIZE, pieceCount, UNLIMITED_PIECES } from '../schedule/grid.ts';
import type { Examined } from '../transfer/direction.ts';
import type { Begun, Committed, FailedJobState, FileTransfer, JobControl } from '../transfer/file-transfer.ts';
import type { Claims } from '../transfer/job-resume.ts';
import type { FileSides } from '../transfer/job-verification.ts';
import type { SyncPoint } from '../transfer/periodic-sync.ts';
import { digestBack } from '../verify/digest-back.ts';
import type { DownloadServices } from './download-options.ts';
import type { PlannedDownload } from './download-plan.ts';
import { EarlierPartials, tokenOf } from './earlier-partials.ts';
import { OldTarget } from './old-target.ts';
import { isRefusal, isRefusedOpen } from './reader-limits.ts';
import { RemoteSource } from './remote-source.ts';
import { expectRoom, prepareInPlace } from './room.ts';

const READER_LOST = new CopyError('connection-lost', 'The one connection that read it was lost.');

export class DownloadFile implements FileTransfer {
  readonly local: LocalDigests;
  readonly #services: DownloadServices;
  readonly #job: JobControl;
  readonly #plan: PlannedDownload;
  readonly #source: RemoteSource;
  readonly #watch: SourceWatch;
  readonly #old: OldTarget;
  #partial: LocalPartial | undefined;
  #earlier: EarlierPartials | undefined;
  /** Whether the target has its name. */
  #isCommitted = false;

  /** `number`: of the file job, from 1. */
  constructor(number: number, services: DownloadServices, job: JobControl, plan: PlannedDownload) {
    this.#services = services;
    this.#job = job;
    this.#plan = plan;
    this.#source = new RemoteSource(services, number, plan.source, plan.attributes);
    this.#watch = new SourceWatch(this.#source, (error) => job.stop(error));
    const { size } = plan.attributes;
    this.#old = new OldTarget(services, this.#source, { target: plan.target.path, size, pieceSize: this.#pieceSize });
    this.local = new LocalDigests((views, offset) => fillFrom(this.#opened.fd, 'target')(views, offset));
  }

  get name(): string {
    return cleanText(this.#plan.source);
  }

  get size(): number {
    return this.#plan.attributes.size;
  }

  get journalSubject(): JournalSubject | undefined {
    // The target itself has nothing apart that could be continued.
    if (this.#services.download.inplace) return undefined;
    const { paths, target, attributes } = this.#plan;
    const { size, mtimeMs = 0 } = attributes;
    const [mtimeNs, unknown] = [BigInt(Math.round(mtimeMs)) * 1_000_000n, 0n];
    const source = { size, mtimeNs, ctimeNs: unknown, inode: unknown, device: unknown };
    const about = { sourcePath: paths.source, source, targetPath: paths.target };
    return { direction: 'download', ...about, target: target.path, size, mtimeMs, local: this.local };
  }

  get sides(): FileSides {
    return {
      of: this.#source.path,
      fd: this.#opened.fd,
      back: (ranges, algorithm) =>
        this.#source.withFile((file) =>
          digestBack({ readBack: (slices, drain) => file.read(slices, drain) }, ranges, algorithm),
        ),
      wrongText: 'are not what the server has, and fetched again',
      beforeRepeat: () => this.checkUnchanged(),
    };
  }

  async begin(attempt: number, journal: FileJournal | undefined): Promise<Begun> {
    await this.#source.open();
    const claims = await this.#openPartial(attempt, journal);
    return { pieceSize: this.#pieceSize, smallestCut: MIN_PIECE_SIZE, claims, only: this.#source.only };
  }

  onTransferring(): void {
    this.#job.ledger.restrict(this.#source.only);
  }

  command(task: number, connection: number, range: Range, hashing: PieceHashing | undefined): RunnerCommand {
    this.#source.add(connection);
    // No two tasks in progress have a byte in common, so that a digest of this task holds until another one begins.
    this.local.forget(range);
    return { kind: 'receive', task, connection, fd: this.#opened.fd, from: this.#source.path, range, hashing };
  }

  get syncPoint(): SyncPoint | undefined {
    const partial = this.#partial;
    if (partial === undefined) return undefined;
    return {
      connection: undefined,
      durable: 'synced',
      staged: async () => partial,
      isHeld: () => this.#partial === partial,
    };
  }

  lookHere(): Promise<Attributes> {
    return this.#opened.look();
  }

  async checkUnchanged(): Promise<void> {
    await this.#source.checkUnchanged();
    await this.#checkSamples();
  }

  onTaskFailed(error: CopyError, connection: number): boolean {
    if (error.scope === 'connection') return true;
    const wasSingle = this.#source.isSingle;
    if (!isRefusal(error)) return false;
    if (!this.#source.becomesSingle(connection)) {
      // The server may still count a connection that was lost: the file is opened again, which waits for that.
      if (!isRefusedOpen(error) || !this.#source.wasOpen || this.#source.first === connection) return false;
      this.#job.interrupt(READER_LOST);
      return true;
    }
    if (!wasSingle) {
      const why = cleanText(error.message).replace(/\.$/, '');
      const message = `${this.name}: one connection reads it, because others were refused (${why}).`;
      this.#services.report.emit({ type: 'notice', level: 'detail', code: 'single-reader', message });
    }
    this.#job.ledger.restrict(this.#source.only);
    return true;
  }

  onConnectionLost(connection: number): void {
    this.#source.onConnectionLost(connection);
    if (this.#source.isSingle && this.#source.only === undefined && this.#job.isTransferring)
      this.#job.interrupt(READER_LOST);
  }

  mayRelocate(connection: number): boolean {
    // It may turn out that no other connection may read the file.
    return connection !== this.#source.first;
  }

  onTick(nowMs: number): void {
    this.#watch.lookIfDue(nowMs);
  }

  /** What has arrived is in the local file. */
  async suspend(): Promise<boolean> {
    await this.#job.drain();
    return true;
  }

  continue(): Promise<void> {
    return this.#source.open();
  }

  async commit(): Promise<Committed> {
    const { report, download } = this.#services;
    const { paths, target, attributes } = this.#plan;
    const { size } = this;
    const partial = this.#opened;
    report.emit({ type: 'file', state: 'committing', ...paths, size });
    // Most of it is on the disk by the time that the source is checked. The file may be closed after a failure, so that
    // nothing may be in progress then.
    const checks = [this.#source.checkUnchanged(), this.#source.checkEnd(), this.#checkContents()];
    const settled = await Promise.allSettled([...checks, this.#synced(partial.sync())]);
    for (const result of settled) if (result.status === 'rejected') throw result.reason;
    const { mtimeMs } = attributes;
    const mode = finalMode(download, attributes, target.old);
    const finishing = partial.finish({ size, mode, mtimeMs: download.preserve ? mtimeMs : undefined });
    const warnings = await this.#synced(finishing);
    for (const warning of warnings) report.notice('attributes', `${cleanText(target.path)}: ${warning}.`, 'warning');
    const bytes = (await partial.look()).size;
    if (bytes !== size)
      throw new CopyError('integrity', `${cleanText(target.path)} has ${bytes} bytes instead of ${size}.`);
    await (download.inplace ? partial.confirmInPlace() : partial.publish(target.path, target.old));
    this.#isCommitted = true;
    return { bytes, isSizeVerified: this.#services.options.verify !== 'none' };
  }

  abandon(): void {
    this.#source.close();
  }

  async close(): Promise<void> {
    await this.#old.close();
    await this.#partial?.close();
  }

  async examine(failure: CopyError, { bytesThere, journal }: FailedJobState): Promise<Examined> {
    const partial = this.#partial;
    const nothing = { failure, bytesKept: 0, isSeen: true };
    if (partial === undefined || this.#isCommitted) return nothing;
    if (this.#services.download.inplace) {
      const { path } = this.#plan.target;
      const hadContent = this.#plan.replaces;
      return { ...nothing, overwritten: { path, bytesThere, size: this.size, hadContent } };
    }
    if (!(await partial.isInPlace())) return nothing;
    // Where the server can hash, digests tell the next run what is right; else only what the journal has a digest of.
    const isCompared = this.#services.digests.inUse !== undefined && journal?.wasSyncRefused !== true;
    const isOfAnother = failure.code === 'integrity' || (failure.code === 'source-changed' && !isCompared);
    const isEmpty = bytesThere === 0 && partial.found.size === 0;
    // What no run can rely on is not left behind.
    if (journal === undefined || isEmpty || isOfAnother) {
      await partial.discard();
      return nothing;
    }
    const bytesKept = isCompared ? bytesThere : journal.keptWithin(this.size);
    return { failure: await this.#withPartial(failure, partial), bytesKept, isSeen: true };
  }

  /** After a failure to store something, the next sync succeeds, so that none is trusted any more. */
  async #synced<T>(syncing: Promise<T>): Promise<T> {
    try {
      return await syncing;
    } catch (error) {
      this.#job.onSyncRefused(CopyError.from(error));
      throw error;
    }
  }

  /** Where there is no room, the user has to know what takes it. */
  async #withPartial(failure: CopyError, { path }: LocalPartial): Promise<CopyError> {
    if (failure.code !== 'no-space') return failure;
    const occupied = `the partial file ${cleanText(path)} occupies ${formatSize(await bytesOnDisk(path))}`;
    const message = `${failure.message.replace(/\.$/, '')}; ${occupied}.`;
    return new CopyError('no-space', message, { cause: failure, advice: failure.advice });
  }

  /**
   * Servers tell times in whole seconds, so that a source may change without another time: some of what was read first
   * is compared once more.
   * @throws {CopyError} `source-changed`
   */
  async #checkContents(): Promise<void> {
    // Without digests of the whole file, only samples can show it.
    if (!this.#job.isVerified) return this.#checkSamples();
    const { access } = this.#services;
    const looked = await access.repeat(() => this.#job.findOverwritten());
    if (looked === 'is-same') return;
    if (looked === 'unknown') return this.#checkSamples();
    if (looked.side === 'here') throw writtenByOthers(this.#plan.target.path);
    throw new CopyError('source-changed', `${this.name} was changed (contents) while it was copied.`);
  }

  async #checkSamples(): Promise<void> {
    // One connection has read a file of one piece, from its beginning to its end.
    if (pieceCount(this.size, this.#pieceSize) > 1) {
      await this.#source.checkSamples(this.#opened.fd, this.#job.ledger.acknowledged);
    }
  }

  get #pieceSize(): number {
    return choosePieceSize(this.size, UNLIMITED_PIECES, this.#services.options.pieceSize);
  }

  get #opened(): LocalPartial {
    if (this.#partial === undefined) throw new CopyError('bug', 'The partial file is not open.');
    return this.#partial;
  }

  /** Returns what may be right already; undefined: nothing. */
  async #openPartial(attempt: number, journal: FileJournal | undefined): Promise<Claims | undefined> {
    const { download, journals } = this.#services;
    const { target } = this.#plan;
    const isResuming = journals?.resume === true;
    // With --inplace, it is the target itself.
    await (download.inplace ? this.#partial?.close() : this.#partial?.discardAndClose());
    this.#partial = undefined;
    if (download.inplace) {
      await prepareInPlace(this.#services.report, target.path, this.size);
      this.#partial = await LocalPartial.inPlace(target.path);
      return isResuming ? this.#old.inPlace(this.#partial) : undefined;
    }
    if (journal !== undefined) {
      this.#earlier ??= new EarlierPartials(
        this.#services,
        { target: target.path, size: this.size, isDated: this.#plan.attributes.mtimeMs !== undefined, isResuming },
        journal,
      );
    }
    if (journal === undefined && attempt === 1) await this.#services.left.removeOf(target.path);
    const continued = attempt === 1 ? await this.#earlier?.reopen() : undefined;
    this.#partial = continued?.partial ?? (await LocalPartial.create(target.path));
    // What earlier runs left may occupy the room that is needed.
    if (attempt === 1) await this.#earlier?.clear(this.#partial);
    await expectRoom(target.path, this.size, await bytesOnDisk(this.#partial.path));
    if (continued?.isJournalled !== true) await journal?.begin(tokenOf(this.#partial), this.#pieceSize);
    return this.#withOlder(continued?.claims, isResuming ? this.#partial : undefined);
  }

  /** Adds what may be taken from the old target. `partial`: where it is copied to; undefined: it is not used. */
  async #withOlder(claims: Claims | undefined, partial: LocalPartial | undefined): Promise<Claims | undefined> {
    if (partial === undefined || claims?.by === 'journal' || !this.#plan.replaces) return claims;
    const older = await this.#old.beside(partial, (range) => this.local.forget(range));
    return older === undefined ? claims : { claims: [], by: 'digests', ...claims, older };
  }
}

function writtenByOthers(target: Uint8Array): CopyError {
  const message = `Another program writes into ${cleanText(target)} too: what had been verified there has changed.`;
  return new CopyError('target-busy', message, { advice: 'End that program, then run the same command again.' });
}

/** Mode of the source, or, where that is not wanted, of what is replaced, or what this user's new files get. */
export function finalMode(
  { inplace, preserve }: Pick<DownloadServices['download'], 'inplace' | 'preserve'>,
  source: Attributes,
  old: Attributes | undefined,
): number | undefined {
  const wanted = preserve ? source.mode : old?.mode;
  return wanted ?? (inplace ? undefined : 0o666 & ~process.umask());
}
