/**
 * Stages the file of one job, new or with what an earlier run left, and opens it again on another connection after its
 * owner was lost.
 */
import { CopyError } from '../../errors.ts';
import type { Abilities, Range, RemoteConnection, Staged, StageToken } from '../../remotes/remote.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import type { AdmittingPool } from '../connections/file-admission.ts';
import type { JournalStore } from '../resume/file-journal.ts';
import { fillFrom } from '../runner/descriptor-fill.ts';
import type { LocalConnections } from '../runner/runners.ts';
import { choosePieceSize, pieceCount } from '../schedule/grid.ts';
import type { Report } from '../transfer/direction.ts';
import { StartOver } from '../transfer/interruption.ts';
import type { JobLedger } from '../transfer/job-ledger.ts';
import type { DigestProviders } from '../verify/digest-providers.ts';
import { prepareInPlace } from './failures/prepare-in-place.ts';
import { isRefusedOpen } from './refused-open.ts';
import { regainStaged } from './regain-staged.ts';
import type { StagedHolders } from './staged-holders.ts';
import type { EarlierStages } from './stages/earlier-stages.ts';
import { keptInPlace } from './stages/kept-in-place.ts';
import type { Reopened } from './stages/reopen-staged.ts';
import type { UploadSettings } from './upload-options.ts';

const NOT_KEPT = new CopyError('connection-lost', 'The server did not keep what a lost connection had written.');

export interface StagingServices {
  readonly access: Pick<ConnectionAccess, 'withConnection' | 'onProgress'>;
  readonly pool: AdmittingPool;
  readonly runner: Pick<LocalConnections, 'adopt'>;
  readonly ledger: Pick<JobLedger, 'acknowledged'>;
  readonly journals: JournalStore | undefined;
  readonly digests: Pick<DigestProviders, 'isSurelyAvailable'>;
  readonly report: Pick<Report, 'notice' | 'emit'>;
  readonly options: { readonly pieceSize: number | 'auto' };
  readonly upload: UploadSettings;
  /** Aborted when the run is over. */
  readonly signal: AbortSignal;
}

export interface StagingFile {
  /** Of the file job, from 1. */
  readonly number: number;
  /** For messages. */
  readonly name: string;
  readonly target: Uint8Array;
  /** The local file, and its length in bytes. */
  readonly fd: number;
  readonly size: number;
}

export interface StagedAttempt {
  readonly abilities: Abilities;
  readonly pieceSize: number;
  /** Whether the file has more than one piece. */
  readonly hasManyPieces: boolean;
  /** What an earlier run left; undefined: the staged file is new. */
  readonly reopened: Reopened | undefined;
}

export class Staging {
  readonly #services: StagingServices;
  readonly #file: StagingFile;
  readonly #holders: StagedHolders;
  #last: StagedAttempt | undefined;
  /** The size of the staged file when it was opened, bytes. */
  #foundSize = 0;
  /** The end of all that was acknowledged since the file was staged, bytes. */
  #writtenEnd = 0;
  /** Whether the server may refuse to open a file because too many connections are in use. */
  #mayBeFull = true;

  constructor(services: StagingServices, file: StagingFile, holders: StagedHolders) {
    this.#services = services;
    this.#file = file;
    this.#holders = holders;
  }

  /** How the file was staged last; undefined: it was not staged yet. */
  get last(): StagedAttempt | undefined {
    return this.#last;
  }

  /** Whether the file has more than one piece; false until it was staged for the first time. */
  get hasManyPieces(): boolean {
    return this.#last?.hasManyPieces ?? false;
  }

  /** Size of the staged file when it was opened, bytes. */
  get foundSize(): number {
    return this.#foundSize;
  }

  onAcknowledged(parts: readonly Range[]): void {
    for (const { offset, length } of parts) this.#writtenEnd = Math.max(this.#writtenEnd, offset + length);
  }

  /**
   * Stages the file, with what earlier runs left of it if that can be continued. Removes what an earlier attempt
   * staged.
   * @throws {CopyError} any code: why the file cannot be staged
   */
  async stage(attempt: number, earlier: EarlierStages | undefined): Promise<StagedAttempt> {
    const { access, pool, upload } = this.#services;
    const adopted = earlier?.takeCopy();
    const previous = this.#holders.token;
    await this.#holders.leave().catch(() => {
      // What an earlier attempt wrote is not used any more, so that a failure of its closing does not matter.
    });
    earlier?.begin();
    // Files begin on different connections, and a single one on a connection that never moves to another thread.
    const staged = await upload.admission.admit(
      pool,
      () =>
        access.withConnection(
          (connection, remote) => this.#stageOn(connection, remote, attempt, adopted, earlier, previous),
          { prefer: this.#file.number },
        ),
      () => this.#mayBeFull,
    );
    if (previous !== undefined && adopted !== undefined) {
      await access.withConnection((_, remote) => remote.discard(previous));
    }
    if (attempt === 1) await earlier?.clear(this.#holders.token!);
    const { claims = [] } = staged.reopened ?? {};
    this.#writtenEnd = Math.max(0, ...claims.slice(-1).map(({ offset, length }) => offset + length));
    this.#last = staged;
    return staged;
  }

  /**
   * Opens the staged file on another connection, with everything that is acknowledged.
   * @throws {StartOver} the server did not keep that
   */
  async regain(): Promise<void> {
    const { access, runner, ledger, upload, signal } = this.#services;
    const token = this.#holders.token!;
    const { fd, size } = this.#file;
    await access.withConnection(async (connection, remote) => {
      const staged = await regainStaged(remote, {
        token,
        acknowledged: ledger.acknowledged,
        size,
        // Late writes of the lost connection could otherwise hide from a probe what the probe writes.
        cutOffAt: upload.writers.known === 'unknown' && !upload.inplace ? this.#writtenEnd : undefined,
        fill: fillFrom(fd),
        onAcknowledged: () => access.onProgress(),
      });
      signal.throwIfAborted();
      if (staged === undefined) throw new StartOver(NOT_KEPT);
      runner.adopt(connection, staged);
      this.#foundSize = Math.min(size, this.#writtenEnd);
      this.#holders.setOwner(connection, token);
    });
  }

  async #stageOn(
    connection: number,
    remote: RemoteConnection,
    attempt: number,
    adopted: StageToken | undefined,
    earlier: EarlierStages | undefined,
    previous: StageToken | undefined,
  ): Promise<StagedAttempt> {
    const { runner, report, journals, upload, signal } = this.#services;
    const { name, target, size } = this.#file;
    const isFirst = attempt === 1;
    // A server that is known to let many connections write admits them all.
    this.#mayBeFull = remote.abilities.writers !== 'many';
    const reopened = await this.#reopen(remote, isFirst, adopted, earlier);
    // If the run is stopped now, another run continues with what is there.
    signal.throwIfAborted();
    if (reopened === undefined && isFirst) await earlier?.discardOwn(remote);
    // What an earlier attempt of this run wrote is not used any more.
    if (previous !== undefined && adopted === undefined) await remote.discard(previous);
    if (upload.inplace && isFirst) await prepareInPlace({ journals, report }, remote, target, size);
    const staged = reopened?.staged ?? (await remote.stage(target, upload.inplace ? 'in-place' : 'new', size));
    for (const warning of staged.warnings ?? []) report.notice('attributes', `${name}: ${warning}.`, 'warning');
    // Bytes beyond the end would change the digest of the last piece.
    if ((staged.found?.size ?? 0) > size) await staged.cutOff(size);
    const kept = reopened ?? (await this.#keptInPlace(remote, staged, isFirst));
    runner.adopt(connection, staged);
    this.#foundSize = Math.min(size, staged.found?.size ?? 0);
    this.#holders.setOwner(connection, staged.token);
    const { abilities } = remote;
    const pieceSize = choosePieceSize(size, abilities.pieceSize, this.#services.options.pieceSize);
    return { abilities, pieceSize, hasManyPieces: pieceCount(size, pieceSize) > 1, reopened: kept };
  }

  async #keptInPlace(remote: RemoteConnection, staged: Staged, isFirst: boolean): Promise<Reopened | undefined> {
    const { upload, journals, options } = this.#services;
    if (!upload.inplace || !isFirst || journals?.resume !== true) return undefined;
    return keptInPlace(this.#services, remote, staged, { ...this.#file, pieceSize: options.pieceSize });
  }

  /** What the server refuses to open although its mode allows it is given up only if fewer connections do not help. */
  async #reopen(
    remote: RemoteConnection,
    isFirst: boolean,
    adopted: StageToken | undefined,
    earlier: EarlierStages | undefined,
  ): Promise<Reopened | undefined> {
    try {
      if (adopted !== undefined) return await earlier?.adopt(remote, adopted);
      return isFirst ? await earlier?.reopen(remote) : undefined;
    } catch (error) {
      const mayOpenLater = this.#mayBeFull && this.#services.upload.admission.mayHelp;
      if (mayOpenLater || !isRefusedOpen(CopyError.from(error))) throw error;
      return undefined;
    }
  }
}
