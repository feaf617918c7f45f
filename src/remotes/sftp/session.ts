import type { Duplex } from 'node:stream';
import { CopyError } from '../../errors.ts';
import { SLOWEST_BYTES_PER_MS } from '../../util/slowest-server.ts';
import { NO_ATTRIBUTES, type SftpAttributes } from './codec/attributes.ts';
import { ExtensionName } from './codec/constants.ts';
import {
  encodeFsync,
  encodePosixRename,
  encodeStatVfsRequest,
  parseLimits,
  parseStatVfs,
  type StatVfs,
} from './codec/extensions.ts';
import type { NameEntry } from './codec/replies.ts';
import { encodeRequest, type Request } from './codec/requests.ts';
import { SftpStatusError } from './codec/status-error.ts';
import { type ChannelOptions, type PlacedWrite, SessionChannel } from './session-channel.ts';
import { type PacketInlet, ReadPool } from './session-inlet.ts';
import { assumedLimits, type SessionLimits, toldLimits } from './session-limits.ts';
import { checkOutlet, type PacketOutlet, plainOutlet } from './session-outlet.ts';
import type { Expected } from './session-pending.ts';
import { PacketPool } from './session-pool.ts';
import { fittingLength, WriteRequest } from './session-write.ts';

export interface SessionOptions {
  /** How long nothing may be sent or received while a reply is awaited. */
  readonly stallTimeoutMs: number;
  /** How long a slow operation (fsync, CLOSE, copy-data, check-file) may take, whatever its size. Default: 60,000. */
  readonly slowBaseMs?: number;
  /** In addition, a slow operation may take its bytes ÷ this, in seconds. Default: 5,000,000. */
  readonly slowBytesPerSecond?: number;
  /** How the server's SSH names itself, such as `mod_sftp/1.3.8`. */
  readonly softwareHint?: string;
  /** A clock in milliseconds that never goes back. Default: `performance.now`. */
  readonly now?: () => number;
  /** The id of the first request, a uint32. Default: 1. */
  readonly firstId?: number;
  /** Sends WRITEs. Default: they are written to the Duplex. */
  readonly outlet?: PacketOutlet | undefined;
  /** Receives instead of the Duplex, as soon as SFTP has begun. Default: the Duplex does. */
  readonly inlet?: PacketInlet | undefined;
  /** Buffers for answers to READs, which other sessions may share. Default: a pool of its own. */
  readonly readPool?: ReadPool;
  /** Buffers for WRITEs, which other sessions may share. Default: a pool of its own. */
  readonly pool?: PacketPool;
  /**
   * Whether a Duplex on which SFTP does not begin is drained instead of destroyed, so that its owner can read the
   * remaining output of the other side. Default: false.
   */
  readonly leavesDuplex?: boolean;
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;
type RequestWithoutId = WithoutId<Exclude<Request, { type: 'init' }>>;

/**
 * SFTP version 3 over any Duplex, with any number of requests in flight (at most 4096).
 *
 * A request that the server refuses rejects with an {@link SftpStatusError}. Every other failure ends the session: all
 * requests, present and later, reject with the same `CopyError` (`protocol`, `connection-lost`, `connection-stalled`,
 * or the one passed to {@link fail}). Paths and handles are bytes; offsets and lengths are in bytes.
 *
 * There is no backpressure by the Duplex: the caller limits what is buffered, by how much it has in flight.
 */
export class SftpSession {
  /** The value of each extension that the server offers, by its name. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
  readonly #channel: SessionChannel;
  readonly #outlet: PacketOutlet;
  readonly #pool: PacketPool;
  readonly #readPool: ReadPool;
  readonly #slowBaseMs: number;
  readonly #slowBytesPerSecond: number;
  #limits: SessionLimits;

  /**
   * Agrees on version 3 and asks for the server's limits. On failure, the Duplex is destroyed, unless `leavesDuplex` is
   * set.
   * @throws {CopyError} `protocol`: when the server does not speak SFTP version 3; `connection-lost`,
   *   `connection-stalled`: when the connection ends or is silent
   */
  static async open(duplex: Duplex, options: SessionOptions): Promise<SftpSession> {
    const { stallTimeoutMs, firstId = 1, now = () => performance.now() } = options;
    const { outlet = plainOutlet(duplex), pool = new PacketPool(), leavesDuplex = false } = options;
    const { inlet, readPool = new ReadPool() } = options;
    checkOutlet(outlet);
    const memory = { outlet, pool, inlet, readPool };
    const channel = new SessionChannel(duplex, { stallTimeoutMs, firstId, now, ...memory, leavesDuplex });
    const greeting = channel.greet();
    // OpenSSH is asked for its limits without waiting for its extensions: a version without this one just refuses.
    const early = options.softwareHint?.startsWith('OpenSSH') ? askLimits(channel) : undefined;
    early?.catch(() => {});
    const { extensions } = await greeting;
    const session = new SftpSession(channel, extensions, { ...options, outlet, pool, readPool });
    await session.#learnLimits(early);
    return session;
  }

  private constructor(
    channel: SessionChannel,
    extensions: ReadonlyMap<string, Uint8Array>,
    options: SessionOptions & Pick<ChannelOptions, 'outlet' | 'pool' | 'readPool'>,
  ) {
    const { slowBaseMs = 60_000, slowBytesPerSecond = SLOWEST_BYTES_PER_MS * 1000, softwareHint } = options;
    this.#channel = channel;
    this.#outlet = options.outlet;
    this.#pool = options.pool;
    this.#readPool = options.readPool;
    this.extensions = extensions;
    this.#slowBaseMs = slowBaseMs;
    this.#slowBytesPerSecond = slowBytesPerSecond;
    this.#limits = assumedLimits(softwareHint);
  }

  /** @param early the reply to a request that was sent before the extensions of the server were known */
  async #learnLimits(early: Promise<Uint8Array | undefined> | undefined): Promise<void> {
    if (!this.offers(ExtensionName.limits)) return;
    try {
      const payload = await (early ?? askLimits(this.#channel));
      if (payload !== undefined) this.#limits = toldLimits(parseLimits(payload), this.#limits);
    } catch (error) {
      // Where the server offers the extension and refuses the request, the assumed limits stay.
      if (!(error instanceof SftpStatusError)) throw this.fail(CopyError.from(error));
    }
  }

  /** Resolves once, when the session has ended: with the reason, or undefined after {@link close}. Never rejects. */
  get closed(): Promise<CopyError | undefined> {
    return this.#channel.closed;
  }

  offers(extension: string): boolean {
    return this.extensions.has(extension);
  }

  get limits(): SessionLimits {
    return this.#limits;
  }

  /** How many requests have no reply yet. */
  get inFlight(): number {
    return this.#channel.inFlight;
  }

  /** Resolves with the handle. `flags`: bits of `OpenFlag`; `attributes`: for a file that is created. */
  open(path: Uint8Array, flags: number, attributes: SftpAttributes = NO_ATTRIBUTES): Promise<Uint8Array> {
    return this.#request('handle', { type: 'open', path, flags, attributes });
  }

  /** Closes a file or directory. It is a slow operation, because the server may flush `bytesWritten` first. */
  closeHandle(handle: Uint8Array, bytesWritten = 0): Promise<void> {
    return this.#request('status', { type: 'close', handle }, this.#slowMs(bytesWritten));
  }

  /**
   * Resolves with bytes at `offset`: at least one, and at most `length`, which is at most `limits.maxReadLength`. Fewer
   * bytes do not mean that the file ends. The result may share memory with what was received. Give it back by
   * {@link recycle} where that is possible.
   */
  read(handle: Uint8Array, offset: number, length: number): Promise<Uint8Array | 'eof'> {
    return this.#request('data', { type: 'read', handle, offset, length }, 0, length);
  }

  /** Takes back what {@link read} has resolved with. It must not be used afterwards. */
  recycle(data: Uint8Array): void {
    this.#readPool.give(data);
  }

  /**
   * Creates a WRITE, whose data the caller fills in.
   * @param dataLength at most `limits.maxWriteLength`
   * @throws {CopyError} `bug`: when it is more
   */
  allocateWrite(handle: Uint8Array, dataLength: number): WriteRequest {
    if (dataLength > this.#limits.maxWriteLength) {
      throw new CopyError('bug', `A write of ${dataLength} bytes is longer than the server accepts.`);
    }
    return new WriteRequest(handle, dataLength, this.#outlet, this.#pool);
  }

  /** See {@link fittingLength}. */
  fittingWriteLength(handle: Uint8Array, wanted: number): number {
    return fittingLength(handle.length, wanted, this.#limits.maxWriteLength, this.#outlet.maxPayload);
  }

  /**
   * Sends WRITEs whose data is filled in, in order. Each promise resolves when the server has acknowledged its WRITE.
   */
  sendWrites(writes: readonly PlacedWrite[]): readonly Promise<void>[] {
    return this.#channel.writeAll(writes) as readonly Promise<void>[];
  }

  /** Follows links. Undefined where nothing exists. */
  stat(path: Uint8Array): Promise<SftpAttributes | undefined> {
    return this.#request('attributes-or-missing', { type: 'stat', path });
  }

  /** Does not follow a link at the end of the path. Undefined where nothing exists. */
  lstat(path: Uint8Array): Promise<SftpAttributes | undefined> {
    return this.#request('attributes-or-missing', { type: 'lstat', path });
  }

  fstat(handle: Uint8Array): Promise<SftpAttributes> {
    return this.#request('attributes', { type: 'fstat', handle });
  }

  /** Follows links. Set one attribute at a time, because servers differ in the order in which they apply several. */
  setStat(path: Uint8Array, attributes: SftpAttributes): Promise<void> {
    return this.#request('status', { type: 'setstat', path, attributes });
  }

  fsetStat(handle: Uint8Array, attributes: SftpAttributes): Promise<void> {
    return this.#request('status', { type: 'fsetstat', handle, attributes });
  }

  /** The absolute path. Whether it is an error that nothing exists at the path depends on the server. */
  realPath(path: Uint8Array): Promise<Uint8Array> {
    return this.#request('path', { type: 'realpath', path });
  }

  readLink(path: Uint8Array): Promise<Uint8Array> {
    return this.#request('path', { type: 'readlink', path });
  }

  /** Creates a symbolic link at `link`, which contains `target`. */
  symlink(target: Uint8Array, link: Uint8Array): Promise<void> {
    return this.#request('status', { type: 'symlink', target, link });
  }

  /** Fails where `newPath` exists (draft-ietf-secsh-filexfer-02 section 6.5). */
  rename(oldPath: Uint8Array, newPath: Uint8Array): Promise<void> {
    return this.#request('status', { type: 'rename', oldPath, newPath });
  }

  /** Replaces what exists at `newPath`. Requires `posix-rename@openssh.com`. */
  posixRename(oldPath: Uint8Array, newPath: Uint8Array): Promise<void> {
    const payload = encodePosixRename(oldPath, newPath);
    return this.#request('status', { type: 'extended', name: ExtensionName.posixRename, payload });
  }

  /** Removes a file or link. */
  remove(path: Uint8Array): Promise<void> {
    return this.#request('status', { type: 'remove', path });
  }

  makeDirectory(path: Uint8Array, attributes: SftpAttributes = NO_ATTRIBUTES): Promise<void> {
    return this.#request('status', { type: 'mkdir', path, attributes });
  }

  removeDirectory(path: Uint8Array): Promise<void> {
    return this.#request('status', { type: 'rmdir', path });
  }

  openDirectory(path: Uint8Array): Promise<Uint8Array> {
    return this.#request('handle', { type: 'opendir', path });
  }

  /**
   * The next entries, at least one, including `.` and `..`; `eof` after the last. Names may be anything: check them.
   */
  readDirectory(handle: Uint8Array): Promise<readonly NameEntry[] | 'eof'> {
    return this.#request('names', { type: 'readdir', handle });
  }

  /**
   * Resolves when the file is on the disk of the server, with the milliseconds since the reply before that: where
   * requests are in flight without pauses, the server has needed so long. It is a slow operation. Requires
   * `fsync@openssh.com`.
   */
  async fsync(handle: Uint8Array, bytesWritten: number): Promise<number> {
    const payload = encodeFsync(handle);
    return this.#request(
      'timed-status',
      { type: 'extended', name: ExtensionName.fsync, payload },
      this.#slowMs(bytesWritten),
    );
  }

  /** Requires `statvfs@openssh.com`. */
  async statVfs(path: Uint8Array): Promise<StatVfs> {
    const payload = await this.extended(ExtensionName.statVfs, encodeStatVfsRequest(path));
    if (payload === undefined) throw new CopyError('protocol', 'The server answered statvfs with a bare OK.');
    return parseStatVfs(payload);
  }

  /**
   * Sends a request of an extension. Resolves with the payload of the reply; undefined where it is a STATUS of OK.
   * @param slowBytes for slow operations: how many bytes the server has to process
   */
  extended(name: string, payload: Uint8Array, slowBytes?: number): Promise<Uint8Array | undefined> {
    const slowMs = slowBytes === undefined ? 0 : this.#slowMs(slowBytes);
    return this.#request('extended', { type: 'extended', name, payload }, slowMs);
  }

  /** Ends the session with `reason`, unless it has ended before. Returns the reason with which it has ended. */
  fail(reason: CopyError): CopyError {
    return this.#channel.fail(reason);
  }

  /**
   * Ends the session; requests in flight reject. Resolves when the server has closed the channel, or after a second.
   */
  close(): Promise<void> {
    return this.#channel.close();
  }

  #slowMs(bytes: number): number {
    return this.#slowBaseMs + (bytes / this.#slowBytesPerSecond) * 1000;
  }

  #request<T>(expects: Expected, request: RequestWithoutId, slowMs = 0, length = 0): Promise<T> {
    const encode = (id: number) => encodeRequest({ ...request, id } as Request);
    return this.#channel.request(expects, encode, slowMs, length) as Promise<T>;
  }
}

function askLimits(channel: SessionChannel): Promise<Uint8Array | undefined> {
  const question = { type: 'extended', name: ExtensionName.limits, payload: Buffer.alloc(0) } as const;
  return channel.request('extended', (id) => encodeRequest({ ...question, id })) as Promise<Uint8Array | undefined>;
}
