/**
 * The file of the server that a download reads. It is opened once on each connection that reads it, and compared with
 * what it was when the download was planned.
 *
 * Some servers let one connection at a time read a file (locks, limits on transfers). The first connection that has
 * opened it is the reader then, and after its loss the next one that opens it.
 */
import { CopyError, isBeyondFile, UNKNOWN_SIZE_ADVICE } from '../../errors.ts';
import type { Attributes, Range, RemoteConnection, RemoteFile } from '../../remotes/remote.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import type { AdmittingPool, FileAdmission } from '../connections/file-admission.ts';
import { hasSameSamples } from '../resume/likeness.ts';
import type { PieceRunner } from '../runner/piece-runner.ts';
import type { LocalConnections } from '../runner/runners.ts';
import { isRefusal, type ReaderLimits } from './reader-limits.ts';

export interface RemoteSourceServices {
  readonly admission: Pick<FileAdmission, 'admit' | 'mayHelp'>;
  readonly readers: ReaderLimits;
  readonly pool: AdmittingPool;
  readonly access: Pick<ConnectionAccess, 'withConnection' | 'onProgress'>;
  readonly runner: Pick<PieceRunner, 'post'> & { readonly local: Pick<LocalConnections, 'openedFile' | 'connection'> };
}

/**
 * The attributes of a source. Undefined where nothing is at its path.
 * @throws {CopyError} `source-unreadable`: the server refuses to tell; scope `connection` or `run`
 */
export async function statSource(
  remote: Pick<RemoteConnection, 'stat'>,
  path: Uint8Array,
): Promise<Attributes | undefined> {
  try {
    return await remote.stat(path);
  } catch (error) {
    const failure = CopyError.from(error);
    if (failure.scope !== 'file') throw failure;
    // The remote speaks of a destination, because it does not know which side of the copy the path is on.
    throw new CopyError('source-unreadable', failure.message, { cause: failure });
  }
}

export class RemoteSource {
  readonly path: Uint8Array;
  readonly attributes: Attributes;
  readonly #services: RemoteSourceServices;
  readonly #job: number;
  /** Connections that may have it open. */
  readonly #readers: Set<number> = new Set();
  /** What may be about to open it. */
  readonly #opening: Set<Promise<unknown>> = new Set();
  #first: number | undefined;
  #isSingle = false;
  #wasOpen = false;
  /** Whether the server may refuse to open a file because too many connections are in use. */
  #mayBeFull = true;

  /** `job`: the number of the file job. `attributes`: as they were when the download was planned. */
  constructor(services: RemoteSourceServices, job: number, path: Uint8Array, attributes: Attributes) {
    this.#services = services;
    this.#job = job;
    this.path = path;
    this.attributes = attributes;
  }

  /** A connection that has it open, or may. */
  get #reader(): number | undefined {
    return this.#first ?? [...this.#readers][0];
  }

  /** The connection that opened it first, and has not been lost since. */
  get first(): number | undefined {
    return this.#first;
  }

  /** The one connection that may read it; undefined: all may. */
  get only(): number | undefined {
    return this.#isSingle ? this.#first : undefined;
  }

  /** Whether this run has had it open, so that a refusal may be due to a connection that was lost since then. */
  get wasOpen(): boolean {
    return this.#wasOpen;
  }

  /** Whether the server lets one connection read it at a time. */
  get isSingle(): boolean {
    return this.#isSingle;
  }

  /**
   * Opens it on one connection. Where the server lets few files be read at a time, this may wait for other jobs, or
   * close connections.
   * @throws {CopyError} of the source: it cannot be opened; `source-changed`: it is not what was planned
   */
  async open(): Promise<void> {
    const { admission, readers, pool } = this.#services;
    const open = (): Promise<void> => {
      // The server may refuse it because of the other connections, for which nobody has to wait.
      const mayBeFull = this.#mayBeFull && admission.mayHelp;
      return readers.open(this.#job, this.#wasOpen && !mayBeFull, () => this.#openOnAny());
    };
    await admission.admit(pool, open, () => this.#mayBeFull);
    this.#wasOpen = true;
  }

  async #openOnAny(): Promise<void> {
    const { access, runner } = this.#services;
    const openOn = async (connection: number, remote: RemoteConnection): Promise<void> => {
      // A server that is known to let many connections write lets them all read.
      this.#mayBeFull = remote.abilities.writers !== 'many';
      const file = await runner.local.openedFile(connection, this.path);
      this.#readers.add(connection);
      try {
        this.#expectSame(await file.attributes);
      } catch (error) {
        // It is opened anew where it is tried again.
        this.#closeOn(connection);
        throw error;
      }
      this.#first = connection;
    };
    try {
      // Files begin on different connections.
      await this.#withReader((reader) => access.withConnection(openOn, { prefer: reader ?? this.#job }));
    } catch (error) {
      if (isRefusal(CopyError.from(error))) await this.checkUnchanged();
      throw error;
    }
  }

  /** `connection` opens it, or may have done so. */
  add(connection: number): void {
    this.#readers.add(connection);
  }

  onConnectionLost(connection: number): void {
    this.#readers.delete(connection);
    if (this.#first === connection) this.#first = undefined;
    if (this.#readers.size === 0) this.#services.readers.onEnded(this.#job);
  }

  /**
   * `connection` could not open or read it. Whether another one may have it open, which is the only reader from now on.
   */
  becomesSingle(connection: number): boolean {
    this.#readers.delete(connection);
    if (this.#first === connection) return false;
    this.#first ??= [...this.#readers][0];
    this.#isSingle = this.#first !== undefined;
    return this.#isSingle;
  }

  /** Works with the open file on a connection that may read it. */
  async withFile<T>(work: (file: RemoteFile) => Promise<T>): Promise<T> {
    const { access, runner } = this.#services;
    return this.#withReader((reader) =>
      access.withConnection(
        async (connection) => {
          const file = await runner.local.openedFile(connection, this.path);
          this.#readers.add(connection);
          this.#first ??= connection;
          const result = await work(file);
          access.onProgress();
          return result;
        },
        reader === undefined ? {} : { prefer: reader },
      ),
    );
  }

  /**
   * Calls `work` with the connection that has it open. A server that lets one connection read it refuses another one
   * while that is being found out: `work` is called again then.
   */
  async #withReader<T>(work: (reader: number | undefined) => Promise<T>): Promise<T> {
    for (;;) {
      const reader = this.#reader;
      const others = [...this.#opening];
      const working = work(reader);
      this.#opening.add(working);
      try {
        return await working;
      } catch (error) {
        if (!isRefusal(CopyError.from(error))) throw error;
        // One of them may have it open, and not know that yet.
        if (this.#reader === undefined) await Promise.allSettled(others);
        if (this.#reader === undefined || this.#reader === reader) throw error;
      } finally {
        this.#opening.delete(working);
      }
    }
  }

  /** @throws {CopyError} `source-changed`: it is not what it was when the download was planned */
  async checkUnchanged(): Promise<void> {
    const now = await this.#services.access.withConnection((_, remote) => statSource(remote, this.path));
    if (now === undefined) throw this.#changed('removed');
    this.#expectSame(now);
  }

  /**
   * Opens the file anew and compares samples of `ranges` with the local file `fd`. A connection keeps reading the file
   * that it has opened, so that the bytes of two connections may be of different files with the same size and time.
   * Nothing is found out where the server does not let the file be opened once more.
   * @throws {CopyError} `source-changed`: some of them differ
   */
  async checkSamples(fd: number, ranges: Iterable<Range>): Promise<void> {
    const isSame = await this.#services.access.withConnection(async (_, remote) => {
      const file = await remote.open(this.path).catch((error: unknown) => {
        const failure = CopyError.from(error);
        if (isBeyondFile(failure)) throw failure;
        return undefined;
      });
      if (file === undefined) return true;
      try {
        return await hasSameSamples((slices, drain) => file.read(slices, drain), fd, ranges);
      } finally {
        // Nobody waits for that, and a failure does not matter, because the file was only read.
        file.close().catch(() => {});
      }
    });
    if (!isSame) throw this.#changed('changed (contents)');
  }

  /**
   * A file that ends elsewhere than where its size says, as those of /proc do, cannot be copied by its size.
   * @throws {CopyError} `source-changed`: there is more of it than its size says
   */
  async checkEnd(): Promise<void> {
    if (await this.withFile((file) => file.hasByteAt(this.attributes.size))) {
      const name = cleanText(this.path);
      const message = `${name} has more bytes than the ${this.attributes.size} that the server reports.`;
      throw new CopyError('source-changed', message, { advice: UNKNOWN_SIZE_ADVICE });
    }
  }

  /** Closes it everywhere. Nobody waits for it, and no task may be under way. */
  close(): void {
    for (const connection of this.#readers) this.#closeOn(connection);
    this.#services.readers.onEnded(this.#job);
  }

  #closeOn(connection: number): void {
    this.#readers.delete(connection);
    this.#services.runner.post({ kind: 'close-file', job: this.#job, connection, from: this.path });
  }

  #expectSame({ kind, size, mtimeMs }: Attributes): void {
    const planned = this.attributes;
    if (kind !== 'file') throw this.#changed('replaced by something that is no file');
    if (size !== planned.size) throw this.#changed('changed (size)');
    if (mtimeMs !== undefined && planned.mtimeMs !== undefined && mtimeMs !== planned.mtimeMs) {
      throw this.#changed('changed (time)');
    }
  }

  #changed(what: string): CopyError {
    return new CopyError('source-changed', `${cleanText(this.path)} was ${what} while it was copied.`);
  }
}
