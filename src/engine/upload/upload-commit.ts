/**
 * The commit of one file of an upload: all connections but one close the staged file, it gets its attributes, its size
 * is checked, it is synced and closed (the seal), and is renamed to its target if it is still as it was sealed.
 *
 * What can go wrong: the server reports on CLOSE what it could not store; it was restarted before the seal had synced
 * everything (the file continues); late writes of a lost connection, which put the right bytes in the right places,
 * give the sealed file a new time (it is sealed again); the source or the target was changed meanwhile.
 */
import { CopyError } from '../../errors.ts';
import type { Attributes, Published, Seal } from '../../remotes/remote.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import type { LocalSource } from '../local/local-source.ts';
import type { LocalConnections } from '../runner/runners.ts';
import type { Continuity, Report } from '../transfer/direction.ts';
import type { Committed, JobControl } from '../transfer/file-transfer.ts';
import { Interrupted } from '../transfer/interruption.ts';
import type { Verify } from '../transfer/verify.ts';
import { finalAttributes, isSizeVerified, publishStaged, tellWarnings } from './final-checks.ts';
import { OWNER_LOST } from './staged-access.ts';
import type { StagedHolders } from './staged-holders.ts';
import type { UploadSettings } from './upload-options.ts';

/** How often a staged file is sealed at most, if it is changed after it was sealed. */
const MAX_SEALS = 3;

export interface CommitServices {
  readonly verify: Verify;
  readonly access: Pick<ConnectionAccess, 'withConnection'>;
  readonly runner: Pick<LocalConnections, 'joined' | 'forget'>;
  readonly continuity: Pick<Continuity, 'assure'>;
  readonly report: Report;
  readonly upload: UploadSettings;
}

export interface CommittedFile {
  /** For messages. */
  readonly name: string;
  readonly shownTarget: string;
  /** For events. */
  readonly paths: { readonly source: string; readonly target: string };
  readonly size: number;
  readonly source: Pick<LocalSource, 'mode' | 'mtimeMs' | 'checkUnchanged'>;
  /** What is going to be replaced. */
  readonly old: Attributes | undefined;
}

export class UploadCommit {
  readonly #services: CommitServices;
  readonly #file: CommittedFile;
  readonly #holders: StagedHolders;
  readonly #job: JobControl;
  #hasSealed = false;

  constructor(services: CommitServices, file: CommittedFile, holders: StagedHolders, job: JobControl) {
    this.#services = services;
    this.#file = file;
    this.#holders = holders;
    this.#job = job;
  }

  /** Whether the staged file was complete at some time: if so, it is kept after a failure. */
  get hasSealed(): boolean {
    return this.#hasSealed;
  }

  /**
   * @throws {CopyError} any code: why the target is not in its place
   * @throws {Interrupted} the file has to be continued first
   */
  async run(): Promise<Committed> {
    const { verify, report, upload } = this.#services;
    const { paths, size } = this.#file;
    if (upload.inplace) await this.#expectUntouched();
    // All connections but the one that seals close the file, even a former owner that is in another thread now.
    const sealer = this.#holders.isOwnerHolding ? this.#holders.owner : undefined;
    await this.#holders.leave(sealer);
    report.emit({ type: 'file', state: 'committing', ...paths, size });
    const { seal, published } = await this.#sealAndPublish();
    tellWarnings(report, this.#file, seal, published);
    return { bytes: size, isSizeVerified: isSizeVerified(report, verify, this.#file, published, this.#job.verified) };
  }

  /**
   * Checks that no other program has written into the target, which is possible where it is written in place.
   * @throws {CopyError} `target-busy`: verified bytes have changed
   */
  async #expectUntouched(): Promise<void> {
    const { access, continuity } = this.#services;
    try {
      if (typeof (await this.#job.findOverwritten()) === 'string') return;
      // The server may have lost the bytes in a crash: then no program has overwritten them.
      await access.withConnection((connection) => continuity.assure(connection), { prefer: this.#holders.owner });
    } catch (error) {
      throw interruptedIfLost(error);
    }
    this.#job.expectKept();
    const message = `Another program writes into ${this.#file.shownTarget} too: what had been verified there has changed.`;
    const advice = 'End that program, which may run on another machine, then run the same command again.';
    throw new CopyError('target-busy', message, { advice });
  }

  async #sealAndPublish(): Promise<{ readonly seal: Seal; readonly published: Published }> {
    for (let attempt = 1; ; attempt++) {
      const seal = this.#mayOthersWrite ? await this.#sealAnywhere() : await this.#sealOnOwner();
      // Bytes that were lost before the seal synced the file would be a hole in it.
      this.#job.expectKept();
      this.#job.ledger.synced([{ offset: 0, length: this.#file.size }]);
      await this.#file.source.checkUnchanged();
      try {
        return {
          seal,
          published: await publishStaged(this.#services.access, this.#holders.token!, seal, this.#file.old),
        };
      } catch (error) {
        // Late writes of a lost connection write the right bytes, but give the file a new time.
        const { code, retry } = CopyError.from(error);
        const isLate = this.#holders.hasLostOne && this.#mayOthersWrite && code === 'target-busy' && retry;
        if (!isLate || attempt === MAX_SEALS) throw error;
      }
    }
  }

  #sealAnywhere(): Promise<Seal> {
    return this.#services.access.withConnection((connection) => this.#seal(connection), {
      prefer: this.#holders.owner,
    });
  }

  /** If only the owner may open the file, the owner has to seal it. */
  async #sealOnOwner(): Promise<Seal> {
    try {
      if (!this.#holders.isOwnerHolding) throw OWNER_LOST;
      return await this.#seal(this.#holders.owner);
    } catch (error) {
      throw interruptedIfLost(error);
    }
  }

  async #seal(connection: number): Promise<Seal> {
    const { runner, continuity, upload } = this.#services;
    const { size, source, old } = this.#file;
    // It may be tried again because the server was restarted.
    this.#job.expectKept();
    const attributes = finalAttributes(upload, source, old);
    const { isVerified } = this.#job;
    const staged = await runner.joined(connection, this.#holders.token!);
    this.#hasSealed = true;
    const seal = await staged.seal({ size, isVerified, ...attributes }).catch(async (error: unknown) => {
      const failure = CopyError.from(error);
      // What is missing may have been lost by a restart of which nobody knows yet.
      if (failure.code === 'integrity') {
        await continuity.assure(connection);
        this.#job.expectKept();
      }
      if (failure.scope === 'file') this.#job.onSyncRefused(failure);
      throw error;
    });
    await continuity.assure(connection);
    runner.forget(connection, this.#holders.token!);
    return seal;
  }

  get #mayOthersWrite(): boolean {
    return this.#services.upload.writers.known === 'many';
  }
}

/** The loss of the connection interrupts the file; any other failure is the failure of the file. */
function interruptedIfLost(error: unknown): Error {
  if (error instanceof Interrupted) return error;
  const failure = CopyError.from(error);
  return failure.scope === 'connection' ? new Interrupted(failure) : failure;
}
