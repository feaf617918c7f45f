/**
 * The connections that write the staged file of one job: all of them, or only its owner. The run may know how many the
 * server allows (`Writers`), the journal may tell it of a file that is continued, or it is found out on this file ({@link
 * WriterSearch}). What is known is recorded in the journal.
 *
 * What can go wrong: the owner is lost while it alone may write (the file is interrupted, and gets another owner); a
 * probe fails, or shows that the server loses data (the file is interrupted, or begins again); the server refuses
 * another writer (one connection is closed, or the owner writes alone from then on).
 *
 * What always holds: until it is known that many connections may write, ranges are handed out to the owner alone.
 */
import { CopyError } from '../../errors.ts';
import type { WriterProbe } from '../../remotes/remote.ts';
import type { AdmittingPool } from '../connections/file-admission.ts';
import type { FileJournal } from '../resume/file-journal.ts';
import type { Dispatcher, RunnerAnswer } from '../transfer/direction.ts';
import type { JobControl } from '../transfer/file-transfer.ts';
import { OWNER_LOST } from './staged-access.ts';
import type { StagedHolders } from './staged-holders.ts';
import type { StagedAttempt } from './staging.ts';
import type { UploadSettings } from './upload-options.ts';
import { type SearchServices, WriterSearch } from './writer-search.ts';

export interface FileWritersServices {
  readonly pool: AdmittingPool;
  readonly runner: SearchServices['runner'];
  readonly dispatcher: Pick<Dispatcher, 'dispatch'>;
  readonly upload: Pick<UploadSettings, 'writers' | 'admission'>;
}

export interface WrittenFile {
  /** Of the file job, from 1. */
  readonly number: number;
  /** The local file, and its length in bytes. */
  readonly fd: number;
  readonly size: number;
}

/** The file job. */
export interface WritingJob
  extends Pick<
    JobControl,
    'isTransferring' | 'drain' | 'acknowledge' | 'onChanged' | 'interrupt' | 'startOver' | 'stop'
  > {
  readonly ledger: SearchServices['ledger'] & Pick<JobControl['ledger'], 'restrict'>;
}

export class FileWriters {
  readonly #services: FileWritersServices;
  readonly #file: WrittenFile;
  readonly #holders: Pick<StagedHolders, 'token' | 'owner' | 'isOwnerHolding'>;
  readonly #job: WritingJob;
  readonly #search: WriterSearch;
  readonly #unsubscribe: () => void;
  #journal: FileJournal | undefined;
  /** Undefined until the file was staged. */
  #attempt: StagedAttempt | undefined;

  constructor(
    services: FileWritersServices,
    file: WrittenFile,
    holders: Pick<StagedHolders, 'token' | 'owner' | 'isOwnerHolding'>,
    job: WritingJob,
  ) {
    const { pool, runner, dispatcher, upload } = services;
    const { writers } = upload;
    this.#services = services;
    this.#file = file;
    this.#holders = holders;
    this.#job = job;
    this.#search = new WriterSearch(
      file.number,
      { writers, ledger: job.ledger, pool, runner, dispatch: () => dispatcher.dispatch() },
      {
        drain: () => job.drain(),
        onFound: (result) => this.#applyProbe(result),
        // A probe that was cut off may have damaged the file. That is examined before anything else is written.
        onFailed: (error) => (error.scope === 'connection' ? job.interrupt(error) : job.stop(error)),
        onEnded: () => job.onChanged(),
      },
    );
    this.#unsubscribe = writers.subscribe(() => {
      this.#note();
      this.share();
    });
  }

  /** Whether a runner is probing. */
  get isProbing(): boolean {
    return this.#search.isAsking;
  }

  /** An attempt begins, and what is known is recorded in `journal`. */
  begin(journal: FileJournal | undefined): void {
    this.#journal = journal;
  }

  /** The file was staged for the attempt; its journal may be about another staged file still. */
  onStaged(attempt: StagedAttempt): void {
    this.#attempt = attempt;
    const { abilities, reopened } = attempt;
    // If the server made a copy, the journal does not show how many connections may write that.
    const isKnown = reopened?.isOurs === true && this.#journal?.hasManyWriters === true;
    if (abilities.writers === 'unknown' && isKnown) this.#services.upload.writers.decide('many');
  }

  /** The journal is about the staged file. */
  onJournalBegun(): void {
    this.#note();
  }

  /** The ledger was opened for the attempt. */
  onOpened(): void {
    const { writers = 'unknown' } = this.#attempt?.abilities ?? {};
    if (writers !== 'unknown') this.#services.upload.writers.decide(writers);
  }

  /**
   * Decides which connections may work on the file: all of them or only its owner. If only the owner may, and it was
   * lost, the file is interrupted and gets another one. A file of one piece is left to its owner while there is one,
   * because opening the file would take the others longer than sending it.
   */
  share(): void {
    if (!this.#job.isTransferring) return;
    const { isOwnerHolding, owner } = this.#holders;
    if (!this.#areMany && !isOwnerHolding) return this.#job.interrupt(OWNER_LOST);
    const isShared = this.#areMany && (this.#hasManyPieces || !isOwnerHolding);
    this.#job.ledger.restrict(isShared ? undefined : owner);
  }

  /**
   * Begins to find out whether many connections may write, if that is not known and the file is suitable. `foundSize`:
   * bytes of the staged file when it was opened.
   */
  considerProbe(foundSize: number): void {
    // A file of one piece is sent by its owner alone.
    if (!this.#job.isTransferring || !this.#hasManyPieces) return;
    const { owner, token } = this.#holders;
    const { fd, size } = this.#file;
    this.#search.consider({ owner, fd, of: token!, foundSize, size });
  }

  onProbed({ task, result }: Extract<RunnerAnswer, { kind: 'probed' }>, error: CopyError | undefined): void {
    this.#search.onAnswer(task, result, error);
  }

  /** A task failed. Returns whether this dealt with it; otherwise the file fails. */
  onTaskFailed(error: CopyError, connection: number): boolean {
    const { upload, pool } = this.#services;
    if (error.code === 'single-writer') {
      const isExcluded = this.#areMany && upload.admission.excludes(pool, connection, error);
      if (!isExcluded) upload.writers.decide('one', error.message);
    } else if (error.scope !== 'connection') {
      return false;
    }
    this.share();
    return true;
  }

  mayRelocate(connection: number): boolean {
    // While it is not known which connections may write, none of them may be closed.
    return this.#areMany && connection !== this.#holders.owner && !this.#search.isAsking;
  }

  /** The run is over because of `error`. */
  onRunOver(error: CopyError): void {
    this.#search.fail(error);
  }

  /** Resolves when no probe is in progress. */
  async settled(): Promise<void> {
    await this.#search.work;
  }

  /** The file is not written any more. */
  stop(): void {
    this.#unsubscribe();
  }

  get #areMany(): boolean {
    return this.#services.upload.writers.known === 'many';
  }

  get #hasManyPieces(): boolean {
    return this.#attempt?.hasManyPieces ?? false;
  }

  #note(): void {
    const { known } = this.#services.upload.writers;
    if (known !== 'unknown') this.#journal?.noteWriters(known === 'many');
  }

  #applyProbe({ writers, reason, written }: WriterProbe): void {
    this.#job.acknowledge(written ?? []);
    this.#services.upload.writers.decide(writers, reason);
    if (written !== undefined) return;
    this.#job.startOver(new CopyError('single-writer', reason ?? 'The server lost data.'));
  }
}
