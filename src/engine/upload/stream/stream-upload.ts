/**
 * Uploads a source whose size says nothing about its length: one connection sends it from its beginning to its end.
 *
 * Each attempt opens the source anew, stages a file, sends what it reads, and checks that the source has not changed.
 * Then what the server has is compared with the digests that were computed on the way, and the staged file is sealed
 * and published, all on that connection: it answers until the server has brought everything to its disk, so the server
 * was not restarted meanwhile. When the connection is lost, or the server has other bytes than were sent, the next
 * attempt begins; what the attempt before has staged is removed, since no part of a stream can be sent again.
 *
 * The job gives up after the retry time without progress. Progress is to come further than any attempt before, so that
 * a connection that always breaks at the same place does not count.
 */
import { CopyError } from '../../../errors.ts';
import type { RemoteConnection, Staged, StageToken } from '../../../remotes/remote.ts';
import { formatSize } from '../../../util/format-size.ts';
import { type LocalSource, openSource } from '../../local/local-source.ts';
import { SourceWatch } from '../../local/source-watch.ts';
import type { FileResult } from '../../transfer/direction.ts';
import { JobPatience } from '../../transfer/job-patience.ts';
import { noDigests } from '../../transfer/job-verification.ts';
import { comparesContents } from '../../transfer/verify.ts';
import { type DigestBack, digestBack } from '../../verify/digest-back.ts';
import { finalAttributes, isSizeVerified, publishStaged, tellWarnings } from '../final-checks.ts';
import { isRefusedOpen } from '../refused-open.ts';
import type { UploadServices } from '../upload-options.ts';
import type { UploadPlan } from '../upload-plan.ts';
import { SourceStream } from './source-stream.ts';
import { StreamDigests } from './stream-digests.ts';
import { type StreamVerdict, verifyByDigest, verifyByReadBack } from './stream-verification.ts';

/** How often a stream is sent again that is wrong on the server. */
const MAX_REWRITES = 3;

/** The server has other bytes than were sent to it. */
class WrongOnServer extends Error {}

export class StreamUpload {
  readonly #services: UploadServices;
  readonly #plan: UploadPlan;
  /** Bytes that were acknowledged in this attempt. */
  #bytesAcknowledged = 0;
  readonly #patience: JobPatience;
  /** The staged file of the last attempt, until it is published or removed. */
  #left: StageToken | undefined;
  #rewrites = 0;
  /** Whether the server may refuse to open a file because too many connections are in use. */
  #mayBeFull = true;

  constructor(services: UploadServices, plan: UploadPlan) {
    this.#services = services;
    this.#plan = plan;
    this.#patience = new JobPatience(services.options.retryForMs);
  }

  get bytesAcknowledged(): number {
    return this.#bytesAcknowledged;
  }

  /** Resolves when the target is in its place; rejects with a CopyError. */
  async run(): Promise<FileResult> {
    for (;;) {
      const { access, pool, upload } = this.#services;
      const attempts = () => access.withConnection((connection, remote) => this.#attempt(connection, remote));
      const attempt = await upload.admission.admit(pool, attempts, () => this.#mayBeFull);
      if ('result' in attempt) return attempt.result;
      this.#checkAgain(attempt.error);
      const why = attempt.error.message;
      this.#services.report.notice(
        'started-over',
        `${this.#plan.name} is sent from the beginning again: ${why}`,
        'warning',
      );
    }
  }

  /** @throws {CopyError} any code: why no other attempt is made */
  #checkAgain(error: Error): void {
    this.#services.signal.throwIfAborted();
    if (error instanceof WrongOnServer) {
      if (++this.#rewrites > MAX_REWRITES) throw new CopyError('integrity', error.message);
      return;
    }
    const failure = CopyError.from(error);
    if (failure.scope !== 'connection') throw failure;
    if (this.#patience.hasEnded(performance.now())) throw failure;
  }

  /**
   * Other failures than a refusal to open the file are results, so that `ConnectionAccess` does not repeat the attempt.
   */
  async #attempt(
    connection: number,
    remote: RemoteConnection,
  ): Promise<{ readonly result: FileResult } | { readonly error: Error }> {
    this.#bytesAcknowledged = 0;
    this.#mayBeFull = remote.abilities.writers !== 'many';
    let source: LocalSource | undefined;
    try {
      source = await openSource(this.#plan.path);
      if (!source.isStream) {
        throw new CopyError('source-changed', `${this.#plan.name} changed while it was copied (its end).`);
      }
      return { result: await this.#send(source, connection, remote) };
    } catch (error) {
      if (error instanceof WrongOnServer) return { error };
      const failure = CopyError.from(error);
      if (failure.scope === 'connection') this.#services.pool.drop(connection);
      // It may be opened with fewer connections.
      if (isRefusedOpen(failure)) throw failure;
      return { error: failure };
    } finally {
      await source?.close();
    }
  }

  async #send(source: LocalSource, connection: number, remote: RemoteConnection): Promise<FileResult> {
    const digests = await this.#newDigests();
    const staged = await this.#stage(remote);
    try {
      const length = await this.#write(source, staged, digests, connection);
      await source.checkUnchanged();
      const verdict = await this.#verify(
        staged,
        digests,
        () => this.#services.runner.local.connection(connection) === remote,
      );
      return await this.#commit(source, staged, length, verdict);
    } catch (error) {
      await this.#remove(staged, remote);
      throw error;
    }
  }

  /** The digests of the stream. Their algorithm must be known before the first byte is read. */
  async #newDigests(): Promise<StreamDigests | undefined> {
    const { digests, options } = this.#services;
    if (options.verify === 'read-back') return new StreamDigests('sha256');
    if (!comparesContents(options.verify) || !digests.isWanted) return undefined;
    if (!(await digests.isAvailable())) return undefined;
    return digests.algorithm && new StreamDigests(digests.algorithm);
  }

  async #stage(remote: RemoteConnection): Promise<Staged> {
    const left = this.#left;
    if (left !== undefined) await remote.discard(left);
    const how = this.#services.upload.inplace ? 'in-place' : 'new';
    // The length is not known, so that the server is asked before whether it would refuse the commit.
    const staged = await remote.stage(this.#plan.target.path, how, Number.POSITIVE_INFINITY);
    for (const warning of staged.warnings ?? []) {
      this.#services.report.notice('attributes', `${this.#plan.name}: ${warning}.`, 'warning');
    }
    if (!this.#services.upload.inplace) this.#left = staged.token;
    return staged;
  }

  /** Resolves with the length of the source. */
  async #write(
    source: LocalSource,
    staged: Staged,
    digests: StreamDigests | undefined,
    connection: number,
  ): Promise<number> {
    const { counters } = this.#services;
    let changed: CopyError | undefined;
    const watch = new SourceWatch(source, (error) => {
      changed = error;
    });
    const failure = (): CopyError | undefined => {
      watch.lookIfDue(performance.now());
      return this.#services.signal.aborted ? this.#services.signal.reason : changed;
    };
    const { name } = this.#plan;
    const stream = new SourceStream({ name, fd: source.fd, digests, counters, connection, failure });
    try {
      await staged.write(stream, stream.fill, ({ length }) => {
        counters.addAcknowledged(connection, length);
        this.#acknowledged(length);
      });
    } finally {
      counters.dropInFlight(connection, stream.length - this.#bytesAcknowledged);
    }
    return stream.length;
  }

  #acknowledged(length: number): void {
    this.#bytesAcknowledged += length;
    this.#patience.onAcknowledged(this.#bytesAcknowledged);
    this.#services.access.onProgress();
  }

  async #verify(
    staged: Staged,
    hashed: StreamDigests | undefined,
    isConnected: () => boolean,
  ): Promise<Exclude<StreamVerdict, { wrong: unknown }>> {
    const { access, digests, options } = this.#services;
    // An empty file is verified by its size.
    if (hashed === undefined || this.#bytesAcknowledged === 0) return this.#unverified();
    const back: DigestBack = (ranges, algorithm) => digestBack(staged, ranges, algorithm);
    const sent = { of: staged.token, digests: hashed, back };
    // As long as the connection of the stream is open, only the comparison is repeated when another connection is lost.
    const verdict = await access.repeat(
      () => (options.verify === 'read-back' ? verifyByReadBack(sent) : verifyByDigest(digests, sent)),
      isConnected,
    );
    if (verdict === undefined) return this.#unverified();
    if ('by' in verdict) return verdict;
    const { offset, length } = verdict.wrong;
    throw new WrongOnServer(`${formatSize(length)} at ${formatSize(offset)} are wrong on the server.`);
  }

  /** @throws {CopyError} `no-digests`: verification was demanded */
  #unverified(): undefined {
    if (this.#services.options.verify === 'hash' && this.#bytesAcknowledged > 0) throw noDigests(false);
    return undefined;
  }

  async #commit(
    source: LocalSource,
    staged: Staged,
    size: number,
    verdict: Exclude<StreamVerdict, { wrong: unknown }>,
  ): Promise<FileResult> {
    const { name, shownTarget, paths, target } = this.#plan;
    const { verify } = this.#services.options;
    this.#services.report.emit({ type: 'file', state: 'committing', ...paths, size });
    const seal = await staged.seal({ size, ...finalAttributes(this.#services.upload, source, target.old) });
    await source.checkUnchanged();
    const published = await publishStaged(this.#services.access, staged.token, seal, target.old);
    this.#left = undefined;
    const file = { name, shownTarget, size };
    tellWarnings(this.#services.report, file, seal, published);
    const verified = {
      byDigest: verdict !== undefined && verdict.by !== 'read-back' ? size : 0,
      byReadBack: verdict?.by === 'read-back' ? size : 0,
    };
    return {
      bytes: size,
      isSizeVerified: isSizeVerified(this.#services.report, verify, file, published, verified),
      verified,
    };
  }

  /** Another attempt or another run cannot use any of it. If it cannot be removed now, the next attempt does that. */
  async #remove(staged: Staged, remote: RemoteConnection): Promise<void> {
    try {
      await staged.close();
      if (this.#left === undefined) return;
      await remote.discard(this.#left);
      this.#left = undefined;
    } catch {
      // The failure that led here is reported, not this one.
    }
  }
}
