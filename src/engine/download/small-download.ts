/**
 * Downloads small files as a whole: each is read by one operation of the remote, hashed by the server with others in one
 * batch, written and renamed. The same promises hold as for long files.
 *
 * What can go wrong: a connection is lost (the file is read again over another one); other bytes arrive than the server
 * hashes (it is read again, three times at most); the source has changed since it was listed (it is looked at again).
 */
import { CopyError } from '../../errors.ts';
import type { Attributes } from '../../remotes/remote.ts';
import { directoryName } from '../../util/byte-path.ts';
import { cleanText } from '../../util/clean-text.ts';
import { syncDirectory } from '../../util/sync-directory.ts';
import { writeSmallFile } from '../local/small-partial.ts';
import { targetError } from '../runner/target-error.ts';
import type { FileResult, JobServices } from '../transfer/direction.ts';
import { MAX_SMALL_FILE } from '../transfer/small-file-lane.ts';
import { transferWhole, WarningsOnce } from '../transfer/small-transfer.ts';
import { SyncPolicy } from '../transfer/sync-policy.ts';
import { demandsContents, usesDigests } from '../transfer/verify.ts';
import { digestBack } from '../verify/digest-back.ts';
import { compareWhole } from '../verify/whole-file.ts';
import { finalMode } from './download-file.ts';
import type { DownloadOptions } from './download-options.ts';
import type { PlannedDownload } from './download-plan.ts';
import { statSource } from './remote-source.ts';

/** How often a file is read that arrives with other bytes than the server hashes. */
const MAX_ATTEMPTS = 3;

interface ReadSource {
  readonly bytes: Buffer;
  readonly attributes: Attributes;
}

export class SmallDownload {
  readonly #services: JobServices;
  readonly #options: DownloadOptions;
  readonly #syncs: SyncPolicy;
  readonly #warnings: WarningsOnce;

  constructor(services: JobServices, options: DownloadOptions) {
    this.#services = services;
    this.#options = options;
    this.#warnings = new WarningsOnce(services.report);
    this.#syncs = new SyncPolicy((averageMs) => {
      const message = `Small files are not synced to the disk any more: that took ${averageMs.toFixed(0)} ms for each of them.`;
      services.report.notice('not-synced', message);
    });
  }

  /** @throws {CopyError} any code: it was not copied */
  async copy(file: PlannedDownload, connection: number | undefined): Promise<FileResult> {
    for (let attempt = 1; ; attempt++) {
      const read = await this.#read(file, connection);
      const verified = await this.#verified(file, read);
      if (verified !== undefined) return this.#write(file, read, verified);
      if (attempt < MAX_ATTEMPTS) continue;
      const message = `${cleanText(file.source)} arrives with other bytes than the server says, however often it is read.`;
      throw new CopyError('integrity', message);
    }
  }

  async #read(file: PlannedDownload, connection: number | undefined): Promise<ReadSource> {
    const { access } = this.#services;
    try {
      return await this.#readAs(file.source, file.attributes, connection);
    } catch (error) {
      if (CopyError.from(error).code !== 'source-changed') throw error;
      // It may have changed between the listing and now, in which nothing of it was read.
      const now = await access.withConnection((_, remote) => statSource(remote, file.source));
      const isOther = now?.kind === 'file' && (now.size !== file.size || now.mtimeMs !== file.attributes.mtimeMs);
      if (!isOther || now.size > MAX_SMALL_FILE) throw error;
      return this.#readAs(file.source, now, connection);
    }
  }

  async #readAs(path: Uint8Array, { size, mtimeMs }: Attributes, connection: number | undefined): Promise<ReadSource> {
    const read = await transferWhole(this.#services, size, connection, (remote) => remote.readWhole(path, size));
    const { attributes } = read;
    if (attributes.mtimeMs !== undefined && mtimeMs !== undefined && attributes.mtimeMs !== mtimeMs) {
      throw new CopyError('source-changed', `${cleanText(path)} was changed (time) while it was copied.`);
    }
    return read;
  }

  /** Undefined: the server hashes other bytes. */
  async #verified(
    { source }: PlannedDownload,
    { bytes, attributes }: ReadSource,
  ): Promise<FileResult['verified'] | undefined> {
    const { access, digests, options } = this.#services;
    const nothing = { byDigest: 0, byReadBack: 0 };
    if (!usesDigests(options.verify) || bytes.length === 0) return nothing;
    const file = {
      of: source,
      bytes,
      back: (...[ranges, algorithm]: Parameters<Parameters<typeof compareWhole>[1]['back']>) =>
        access.withConnection(async (_, remote) => {
          const opened = await remote.open(source);
          const readBack = { readBack: opened.read.bind(opened) };
          // A failure to close does not matter, because it was only read.
          return digestBack(readBack, ranges, algorithm).finally(() => opened.close().catch(() => {}));
        }),
      expectSource: () => this.#expectSame(source, attributes),
    };
    const isSame = await compareWhole(digests, file, (work) => access.repeat(work));
    if (isSame === true) return { ...nothing, byDigest: bytes.length };
    if (isSame === false) {
      await this.#expectSame(source, attributes);
      return undefined;
    }
    if (demandsContents(options.verify)) throw new CopyError('no-digests', 'The server cannot hash what it has.');
    return nothing;
  }

  /** @throws {CopyError} `source-changed` */
  async #expectSame(path: Uint8Array, { size, mtimeMs }: Attributes): Promise<void> {
    const now = await this.#services.access.withConnection((_, remote) => statSource(remote, path));
    if (now?.size === size && now.mtimeMs === mtimeMs) return;
    throw new CopyError('source-changed', `${cleanText(path)} was changed while it was copied.`);
  }

  async #write(
    { target, directory }: PlannedDownload,
    { bytes, attributes }: ReadSource,
    verified: FileResult['verified'],
  ): Promise<FileResult> {
    const { options } = this.#services;
    const { syncs } = this.#syncs;
    const { mtimeMs } = attributes;
    const written = await writeSmallFile(target, bytes, {
      mode: finalMode(this.#options, attributes, target.old),
      mtimeMs: this.#options.preserve ? mtimeMs : undefined,
      syncs,
    });
    if (written.syncMs !== undefined) this.#syncs.onSynced(written.syncMs);
    for (const warning of written.warnings) {
      this.#warnings.notice('attributes', `${cleanText(target.path)}: ${warning}.`, 'warning');
    }
    // That of a tree is synced once, when all of its files are there.
    if (directory === undefined && syncs) await syncDirectoryOf(target.path);
    const isSizeVerified = options.verify !== 'none';
    return { bytes: bytes.length, isSizeVerified, verified, ...(!syncs && { isNotSynced: true }) };
  }
}

async function syncDirectoryOf(target: Uint8Array): Promise<void> {
  const directory = directoryName(target);
  await syncDirectory(directory.length === 0 ? '.' : directory).catch((error: unknown) => {
    throw targetError(error, cleanText(directory));
  });
}
