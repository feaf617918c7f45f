/**
 * Uploads small files as a whole: each is read once, staged by one operation of the remote, hashed by the server with
 * others in one batch, and published. The same promises hold as for long files.
 *
 * What can go wrong: a connection is lost (the file is staged again over another one); the server has other bytes (it is
 * staged again, three times at most); the source or the target was changed meanwhile.
 */
import { CopyError } from '../../errors.ts';
import type { StageToken } from '../../remotes/remote.ts';
import { cleanText } from '../../util/clean-text.ts';
import { readSmallSource, type SmallSource } from '../local/small-source.ts';
import type { FileResult, JobServices } from '../transfer/direction.ts';
import { MAX_SMALL_FILE } from '../transfer/small-file-lane.ts';
import { transferWhole, WarningsOnce } from '../transfer/small-transfer.ts';
import { SyncPolicy } from '../transfer/sync-policy.ts';
import { comparesContents, demandsContents } from '../transfer/verify.ts';
import { digestBack } from '../verify/digest-back.ts';
import { compareWhole, isSameReadBack } from '../verify/whole-file.ts';
import { finalAttributes, isSizeVerified, publishStaged, tellWarnings } from './final-checks.ts';
import type { UploadOptions } from './upload-options.ts';
import type { PlannedUpload } from './upload-plan.ts';

/** How often a file is sent that arrives with other bytes. */
const MAX_ATTEMPTS = 3;
/** How long the removal of a staged file is waited for. */
const DISCARD_MS = 5000;

export class SmallUpload {
  readonly #services: JobServices;
  readonly #options: UploadOptions;
  readonly #syncs: SyncPolicy;
  readonly #warnings: WarningsOnce;

  constructor(services: JobServices, options: UploadOptions) {
    this.#services = services;
    this.#options = options;
    this.#warnings = new WarningsOnce(services.report);
    this.#syncs = new SyncPolicy((averageMs) => {
      const message = `Small files are not synced to the disk of the server any more: that took ${averageMs.toFixed(0)} ms for each of them.`;
      services.report.notice('not-synced', message);
    });
  }

  /** @throws {CopyError} any code: it was not published */
  async copy(file: PlannedUpload, connection: number | undefined): Promise<FileResult> {
    const source = await readSmallSource(file.source.path, MAX_SMALL_FILE);
    if (source === undefined) throw new CopyError('unsupported', 'It is no small file any more.');
    for (let attempt = 1; ; attempt++) {
      const result = await this.#attempt(file, source, connection);
      if (result !== undefined) return result;
      await source.checkUnchanged();
      if (attempt < MAX_ATTEMPTS) continue;
      const message = `${cleanText(file.source.path)} arrives with other bytes, however often it is sent.`;
      throw new CopyError('integrity', message);
    }
  }

  /** Undefined: what was staged has other bytes than the source. */
  async #attempt(
    { source: { path }, target, paths }: PlannedUpload,
    source: SmallSource,
    connection: number | undefined,
  ): Promise<FileResult | undefined> {
    const { access, report, options } = this.#services;
    const { bytes } = source;
    const size = bytes.length;
    const on = connection === undefined ? {} : { prefer: connection };
    const syncs = this.#syncs.syncs;
    const final = { ...finalAttributes(this.#options, source, target.old), size, syncs };
    const { token, seal, syncMs } = await transferWhole(this.#services, size, connection, (remote) =>
      remote.stageWhole(target.path, bytes, final),
    );
    if (syncMs !== undefined) this.#syncs.onSynced(syncMs);
    const verified = await this.#verified(token, source).catch(async (error: unknown) => {
      await this.#discard(token);
      throw error;
    });
    if (verified === undefined) {
      await this.#discard(token);
      return undefined;
    }
    try {
      await source.checkUnchanged();
      const published = await publishStaged(access, token, seal, target.old, on);
      const file = { name: cleanText(path), shownTarget: cleanText(target.path), size, paths };
      tellWarnings(this.#warnings, file, seal, published);
      const isVerified = isSizeVerified(report, options.verify, file, published, verified);
      return { bytes: size, isSizeVerified: isVerified, verified, ...(!syncs && { isNotSynced: true }) };
    } catch (error) {
      await this.#discard(token);
      throw error;
    }
  }

  /** Undefined: the contents differ. */
  async #verified(token: StageToken, source: SmallSource): Promise<FileResult['verified'] | undefined> {
    const { access, digests, options } = this.#services;
    const { verify } = options;
    const { bytes } = source;
    const nothing = { byDigest: 0, byReadBack: 0 };
    if (!comparesContents(verify) || bytes.length === 0) return nothing;
    const back: Parameters<typeof isSameReadBack>[1] = (ranges, algorithm) =>
      access.withConnection(async (_, remote) => {
        const staged = await remote.join(token);
        // A failure to close does not matter, because it was only read.
        return digestBack(staged, ranges, algorithm).finally(() => staged.close().catch(() => {}));
      });
    if (verify === 'read-back')
      return (await isSameReadBack(bytes, back)) ? { ...nothing, byReadBack: bytes.length } : undefined;
    const file = { of: token, bytes, back, expectSource: () => source.checkUnchanged() };
    const isSame = await compareWhole(digests, file, (work) => access.repeat(work));
    if (isSame === false) return undefined;
    if (isSame === true) return { ...nothing, byDigest: bytes.length };
    if (demandsContents(verify)) throw new CopyError('no-digests', 'The server cannot hash what it has.');
    return nothing;
  }

  /** A failure to remove it does not matter more than the one that led here: a later run removes it. */
  async #discard(token: StageToken): Promise<void> {
    await this.#services.access.withAnyOpen((remote) => remote.discard(token), DISCARD_MS);
  }
}
