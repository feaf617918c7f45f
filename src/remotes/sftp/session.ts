import type { Duplex } from 'node:stream';
import { CopyError } from '../../errors.ts';
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
import { assumedLimits, type SessionLimits, toldLimits } from './session-limits.ts';
import { checkOutlet, type PacketOutlet, plainOutlet } from './session-outlet.ts';
import type { Expected } from './session-pending.ts';
import { PacketPool } from './session-pool.ts';
import { fittingLength, WriteRequest } from './session-write.ts';

export interface SessionOptions {
  /** How long nothing may be sent or received while an answer is awaited. */
  readonly stallTimeoutMs: number;
  /** What a slow operation (fsync, CLOSE, copy-data, check-file) may take, whatever its size. Default: 60,000. */
  readonly slowBaseMs?: number;
  /** And its bytes ÷ this on top. Default: 5,000,000. */
  readonly slowBytesPerSecond?: number;
  /** How the server's SSH names itself, such as `mod_sftp/1.3.8`. */
  readonly softwareHint?: string;
  /** A clock in milliseconds that never goes back. Default: `performance.now`. */
  readonly now?: () => number;
  /** Where the ids of requests begin, uint32. Default: 1. */
  readonly firstId?: number;
  /** How WRITEs leave. Default: they are written to the Duplex. */
  readonly outlet?: PacketOutlet | undefined;
  /** Buffers of WRITEs, shared with other sessions. Default: a pool of its own. */
  readonly pool?: PacketPool;
  /**
   * Whether a Duplex on which no SFTP begins is drained instead of destroyed, so that its owner can wait for the last
   * words of the other side. Default: false.
   */
  readonly leavesDuplex?: boolean;
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;
type RequestWithoutId = WithoutId<Exclude<Request, { type: 'init' }>>;

/**
 * SFTP version 3 over any Duplex, with any number of requests in flight (at most 4096).
 *
 * A server's "no" rejects with {@link SftpStatusError}. Everything else that goes wrong ends the session: all requests
 * under way, and those to come, reject with the same `CopyError` (`protocol`, `connection-lost`, `connection-stalled`,
 * or what {@link fail} was given). Paths and handles are bytes; offsets and lengths are in bytes.
 *
 * Writes are not held back when the Duplex is full: what is buffered is bounded by what the caller has in flight.
 */
export class SftpSession {
  /** Name and value of each extension the server offers. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
  readonly #channel: SessionChannel;
  readonly #outlet: PacketOutlet;
  readonly #pool: PacketPool;
  readonly #slowBaseMs: number;
  readonly #slowBytesPerSecond: number;
  #limits: SessionLimits;

  /**
   * Agrees on version 3 and asks for the server's limits. On failure the Duplex is destroyed, unless `leavesDuplex` says otherwise.
   * @throws {CopyError} `protocol` if the server speaks no SFTP 3, `connection-lost`, `connection-stalled`
   */
  static async open(duplex: Duplex, options: SessionOptions): Promise<SftpSession> {
    const { stallTimeoutMs, firstId = 1, now = () => performance.now() } = options;
    const { outlet = plainOutlet(duplex), pool = new PacketPool(), leavesDuplex = false } = options;
    checkOutlet(outlet);
    const channel = new SessionChannel(duplex, { stallTimeoutMs, firstId, now, outlet, pool, leavesDuplex });
    const greeting = channel.greet();
    // OpenSSH is asked for its limits in the same breath: an older one that has none only says so.
    const early = options.softwareHint?.startsWith('OpenSSH') ? askLimits(channel) : undefined;
    early?.catch(() => {});
    const { extensions } = await greeting;
    const session = new SftpSession(channel, extensions, { ...options, outlet, pool });
    await session.#learnLimits(early);
    return session;
  }

  private constructor(
    channel: SessionChannel,
    extensions: ReadonlyMap<string, Uint8Array>,
    options: SessionOptions & Pick<ChannelOptions, 'outlet' | 'pool'>,
  ) {
    const { slowBaseMs = 60_000, slowBytesPerSecond = 5_000_000, softwareHint } = options;
    this.#channel = channel;
    this.#outlet = options.outlet;
    this.#pool = options.pool;
    this.extensions = extensions;
    this.#slowBaseMs = slowBaseMs;
    this.#slowBytesPerSecond = slowBytesPerSecond;
    this.#limits = assumedLimits(softwareHint);
  }

  /** `early`: the answer to a question that was asked before it was known that the server understands it. */
  async #learnLimits(early: Promise<Uint8Array | undefined> | undefined): Promise<void> {
    if (!this.offers(ExtensionName.limits)) return;
    try {
      const payload = await (early ?? askLimits(this.#channel));
      if (payload !== undefined) this.#limits = toldLimits(parseLimits(payload), this.#limits);
    } catch (error) {
      // Offered and then refused: what was assumed still holds.
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

  /** Requests that are under way. */
  get inFlight(): number {
    return this.#channel.inFlight;
  }

  /** Resolves with the handle. `flags`: bits of `OpenFlag`; the attributes count where a file is created. */
  open(path: Uint8Array, flags: number, attributes: SftpAttributes = NO_ATTRIBUTES): Promise<Uint8Array> {
    return this.#request('handle', { type: 'open', path, flags, attributes });
  }

  /** Closes a file or directory; slow, as the server may flush `bytesWritten` to its disk or further. */
  closeHandle(handle: Uint8Array, bytesWritten = 0): Promise<void> {
    return this.#request('status', { type: 'close', handle }, this.#slowMs(bytesWritten));
  }

  /**
   * Resolves with what the server gives at `offset`, which may be less than `length` (at most `limits.maxReadLength`)
   * before the end of the file, and is never empty; shares memory with what was received.
   */
  read(handle: Uint8Array, offset: number, length: number): Promise<Uint8Array | 'eof'> {
    return this.#request('data', { type: 'read', handle, offset, length }, 0, length);
  }

  /**
   * A WRITE whose data is filled in place.
   * @param dataLength at most `limits.maxWriteLength`
   * @throws {CopyError} `bug` if it is more
   */
  allocateWrite(handle: Uint8Array, dataLength: number): WriteRequest {
    if (dataLength > this.#limits.maxWriteLength) {
      throw new CopyError('bug', `A write of ${dataLength} bytes is more than the server takes.`);
    }
    return new WriteRequest(handle, dataLength, this.#outlet, this.#pool);
  }

  /** The length of data nearest to `wanted`, and no more than one packet above it, that leaves no packet half empty. */
  fittingWriteLength(handle: Uint8Array, wanted: number): number {
    return fittingLength(handle.length, wanted, this.#limits.maxWriteLength, this.#outlet.maxPayload);
  }

  /** Sends WRITEs that are filled, in order; each resolves when the server says OK to it. */
  sendWrites(writes: readonly PlacedWrite[]): readonly Promise<void>[] {
    return this.#channel.writeAll(writes) as readonly Promise<void>[];
  }

  /** Follows links. Undefined where nothing stands. */
  stat(path: Uint8Array): Promise<SftpAttributes | undefined> {
    return this.#request('attributes-or-missing', { type: 'stat', path });
  }

  /** Does not follow a link at the end. Undefined where nothing stands. */
  lstat(path: Uint8Array): Promise<SftpAttributes | undefined> {
    return this.#request('attributes-or-missing', { type: 'lstat', path });
  }

  fstat(handle: Uint8Array): Promise<SftpAttributes> {
    return this.#request('attributes', { type: 'fstat', handle });
  }

  /** Follows links. Servers differ in the order in which they apply several attributes: best one at a time. */
  setStat(path: Uint8Array, attributes: SftpAttributes): Promise<void> {
    return this.#request('status', { type: 'setstat', path, attributes });
  }

  fsetStat(handle: Uint8Array, attributes: SftpAttributes): Promise<void> {
    return this.#request('status', { type: 'fsetstat', handle, attributes });
  }

  /** The absolute path; whether a path to nothing is an error depends on the server. */
  realPath(path: Uint8Array): Promise<Uint8Array> {
    return this.#request('path', { type: 'realpath', path });
  }

  readLink(path: Uint8Array): Promise<Uint8Array> {
    return this.#request('path', { type: 'readlink', path });
  }

  /** Fails where `newPath` exists (draft-ietf-secsh-filexfer-02 section 6.5). */
  rename(oldPath: Uint8Array, newPath: Uint8Array): Promise<void> {
    return this.#request('status', { type: 'rename', oldPath, newPath });
  }

  /** Takes the place of what stands at `newPath`; needs `posix-rename@openssh.com`. */
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

  /** The next entries, at least one, `.` and `..` among them; `eof` after the last. Names are hostile until checked. */
  readDirectory(handle: Uint8Array): Promise<readonly NameEntry[] | 'eof'> {
    return this.#request('names', { type: 'readdir', handle });
  }

  /** Resolves when the file is on the server's disk; slow. Needs `fsync@openssh.com`. */
  async fsync(handle: Uint8Array, bytesWritten: number): Promise<void> {
    const payload = encodeFsync(handle);
    return this.#request(
      'status',
      { type: 'extended', name: ExtensionName.fsync, payload },
      this.#slowMs(bytesWritten),
    );
  }

  /** Needs `statvfs@openssh.com`. */
  async statVfs(path: Uint8Array): Promise<StatVfs> {
    const payload = await this.extended(ExtensionName.statVfs, encodeStatVfsRequest(path));
    if (payload === undefined) throw new CopyError('protocol', 'The server answered statvfs with a bare OK.');
    return parseStatVfs(payload);
  }

  /**
   * Any extension. Resolves with the payload of the reply, undefined where it is a bare OK.
   * @param slowBytes set for what is slow by nature: how many bytes the server has to handle
   */
  extended(name: string, payload: Uint8Array, slowBytes?: number): Promise<Uint8Array | undefined> {
    const slowMs = slowBytes === undefined ? 0 : this.#slowMs(slowBytes);
    return this.#request('extended', { type: 'extended', name, payload }, slowMs);
  }

  /** Ends the session at once with `reason`, which is returned, unless it has ended before. */
  fail(reason: CopyError): CopyError {
    return this.#channel.fail(reason);
  }

  /** Ends the session; what is under way rejects. Resolves when the server has hung up, or after a second. */
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
