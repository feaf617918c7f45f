/**
 * A small SFTP server in memory, on the project's own codec: any number of sessions on one disk, and the habits of
 * servers that cannot be had for a test, each to be switched on.
 */
import { basename, dirname, isAbsolute, join, normalize } from 'node:path/posix';
import { Duplex } from 'node:stream';
import type { SftpAttributes } from '../../src/remotes/sftp/codec/attributes.ts';
import { ExtensionName, OpenFlag, StatusCode } from '../../src/remotes/sftp/codec/constants.ts';
import {
  type CopyData,
  encodeStatVfs,
  parseCopyData,
  parseFsync,
  parsePosixRename,
} from '../../src/remotes/sftp/codec/extensions.ts';
import { PacketFramer } from '../../src/remotes/sftp/codec/packet-framer.ts';
import { encodeReply, type NameEntry, type Reply } from '../../src/remotes/sftp/codec/replies.ts';
import { parseRequest, type Request } from '../../src/remotes/sftp/codec/requests.ts';
import { type SessionOptions, SftpSession } from '../../src/remotes/sftp/session.ts';
import { SftpConnection, type SftpConnectionOptions } from '../../src/remotes/sftp/sftp-connection.ts';
import { answerCheckFile, type CheckFileHabit, offeredFor } from './stand-in-check-file.ts';

export interface Quirks {
  /** What a session writes is seen by no other until it is closed, and then takes the place of what stood there. */
  privateTemporary: boolean;
  /** A second session sees the file, but writes into a copy of its own; who closes last wins. */
  secondWritesElsewhere: boolean;
  /** Opening for writing empties the file. */
  truncatesOnOpen: boolean;
  /** Every write goes to the end of the file. */
  ignoresOffsets: boolean;
  /** A file that is open cannot be opened again: "failure", or this status. */
  refusesSecondOpen: boolean | (typeof StatusCode)[keyof typeof StatusCode];
  /** Only the handle that was opened first may write. */
  refusesSecondWrite: boolean;
  posixRename: boolean;
  fsync: boolean;
  copyData: boolean;
  /** More names that are listed in every directory. */
  alsoLists: readonly string[];
  /** Each answer to READDIR brings the directory itself, without end. */
  listsDotsForever: boolean;
  /** What a directory is listed as, answer by answer, however long and whatever is there; undefined: as it is. */
  listing: (path: string) => Iterable<readonly NameEntry[]> | undefined;
  /** What is at a path at which nothing was put. */
  finds: (path: string) => DiskFile | undefined;
  /** More extensions that are offered, though not there. */
  alsoOffers: readonly string[];
  /** posix-rename is offered, and answered with this status. */
  refusePosixRename: number | undefined;
  /** The plain rename takes the place of what stands there. */
  renameReplaces: boolean;
  /** Which renames are refused: with "permission denied", or with the status that is returned. */
  refuseRename: (from: string, to: string) => boolean | number;
  /** Which files are not removed. */
  refuseRemove: (path: string) => boolean;
  /** Called before anything is renamed. */
  beforeRename: () => void;
  /** Renames that are answered before those of `loseRenameAnswers`. */
  renamesAnswered: number;
  /** The next renames happen, and then the connection is gone. */
  loseRenameAnswers: number;
  /** Sizes are told this much too small. */
  sizeLie: number;
  refuseMode: boolean;
  /** Nobody is told the attributes of an open file. */
  refusesFstat: boolean;
  /**
   * OPEN with a mode is answered with this status, and the file is there all the same, as with proftpd. So is MKDIR, but
   * without the directory.
   */
  refuseOpenMode: number | undefined;
  refuseTimes: boolean;
  /** Setting times is answered with OK, and nothing is done. */
  ignoresTimes: boolean;
  /** Called before a file is closed, with its path. */
  beforeClose: (path: string) => void;
  /** CLOSE of a file that was written fails, as where the quota is found to be exceeded. */
  refuseClose: boolean;
  /** WRITE beyond this size of a file is refused. */
  fullAt: number;
  /** What the server says then, and where the quota is used up. */
  fullText: string;
  /** WRITE is refused where all files together would have more bytes. */
  quotaBytes: number;
  /**
   * The next WRITE that has this offset inside is stored up to there, and answered with OK: as on a disk that is full.
   */
  shortWriteAt: number;
  /** What statvfs tells, which is there where this is set. */
  freeBytes: number | undefined;
  /** Nobody may open a file for reading. */
  refusesReading: boolean;
  /** Called before a READ is answered, with its offset. */
  beforeRead: (offset: number) => void;
  /** Most that a READ is answered with. */
  longestRead: number;
  /** Requests of these types are never answered. */
  leavesUnanswered: readonly string[];
  /** Whether, and how wrongly, check-file is answered. */
  checkFile: CheckFileHabit;
  /** Called before check-file is looked at. */
  beforeCheckFile: () => void;
}

export interface DiskFile {
  bytes: Buffer;
  kind: 'file' | 'directory' | 'link';
  mode: number;
  mtimeSeconds: number;
}

interface Handle {
  readonly path: string;
  readonly file: DiskFile;
  /** Set for what is not on the disk yet. */
  readonly isPrivate: boolean;
  readonly mayRead: boolean;
  readonly mayWrite: boolean;
  written: boolean;
}

const NO_QUIRKS: Quirks = {
  privateTemporary: false,
  secondWritesElsewhere: false,
  truncatesOnOpen: false,
  ignoresOffsets: false,
  refusesSecondOpen: false,
  refusesSecondWrite: false,
  posixRename: true,
  fsync: true,
  copyData: false,
  alsoLists: [],
  listsDotsForever: false,
  listing: () => undefined,
  finds: () => undefined,
  alsoOffers: [],
  refusePosixRename: undefined,
  renameReplaces: false,
  refuseRename: () => false,
  refuseRemove: () => false,
  beforeRename: () => {},
  renamesAnswered: 0,
  loseRenameAnswers: 0,
  sizeLie: 0,
  refuseMode: false,
  refusesFstat: false,
  refuseOpenMode: undefined,
  refuseTimes: false,
  ignoresTimes: false,
  beforeClose: () => {},
  refuseClose: false,
  fullAt: Number.POSITIVE_INFINITY,
  fullText: 'No space left on device',
  quotaBytes: Number.POSITIVE_INFINITY,
  shortWriteAt: Number.POSITIVE_INFINITY,
  freeBytes: undefined,
  refusesReading: false,
  beforeRead: () => {},
  longestRead: Number.POSITIVE_INFINITY,
  leavesUnanswered: [],
  checkFile: 'none',
  beforeCheckFile: () => {},
};

const KIND_BITS = { file: 0o100000, directory: 0o040000, link: 0o120000 };

export class StandInSftpServer {
  readonly quirks: Quirks;
  readonly disk: Map<string, DiskFile> = new Map();
  /** What was asked, over all sessions: its type, or the name of the extension. */
  readonly asked: string[] = [];
  /** Bytes that were hashed for check-file. */
  hashed = 0;
  /** Handles that are open, over all sessions. */
  openHandles = 0;
  readonly handles: Set<Handle> = new Set();

  constructor(quirks: Partial<Quirks> = {}) {
    this.quirks = { ...NO_QUIRKS, ...quirks };
  }

  put(path: string, bytes: Uint8Array | string, attributes: Partial<DiskFile> = {}): DiskFile {
    const file: DiskFile = { bytes: Buffer.from(bytes), kind: 'file', mode: 0o644, mtimeSeconds: 1000, ...attributes };
    this.disk.set(path, file);
    return file;
  }

  read(path: string): Buffer | undefined {
    return this.disk.get(path)?.bytes;
  }

  /** Of all files. */
  get bytes(): number {
    return [...this.disk.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  get paths(): string[] {
    return [...this.disk.keys()].sort();
  }

  /** The bytes of a session, for somebody who brings an SFTP client of their own. */
  channel(): Duplex {
    return new StandInSession(this).channel;
  }

  async session(options: Partial<SessionOptions> = {}): Promise<SftpSession> {
    return SftpSession.open(this.channel(), { stallTimeoutMs: 10_000, ...options });
  }

  /** `more`: what else there is beside a session, as commands. */
  async connection(
    software = 'stand-in',
    more: Partial<SftpConnectionOptions> = {},
    options: Partial<SessionOptions> = {},
  ): Promise<SftpConnection> {
    const session = await this.session(options);
    return new SftpConnection(session, session.closed, { software, inFlight: 'auto', close: async () => {}, ...more });
  }
}

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Answer = Reply extends infer R ? (R extends { id: number } ? Omit<R, 'id'> : never) : never;

const OK: Answer = { type: 'status', status: StatusCode.ok, message: Buffer.alloc(0), language: Buffer.alloc(0) };

class StandInSession {
  readonly channel: Duplex;
  readonly #server: StandInSftpServer;
  readonly #framer = new PacketFramer();
  readonly #handles: Map<string, Handle> = new Map();
  readonly #listings: Map<string, Iterator<readonly NameEntry[]>> = new Map();
  #lastHandle = 0;

  constructor(server: StandInSftpServer) {
    this.#server = server;
    this.channel = new Duplex({
      read: () => {},
      write: (chunk: Buffer, _, done) => {
        // A copy: the client may use its buffer again as soon as it has the answer.
        this.#receive(Buffer.from(chunk));
        done();
      },
      final: (done) => {
        this.#forgetHandles();
        this.channel.push(null);
        done();
      },
      destroy: (error, done) => {
        this.#forgetHandles();
        done(error);
      },
    });
  }

  #forgetHandles(): void {
    for (const handle of this.#handles.values()) this.#server.handles.delete(handle);
    this.#server.openHandles -= this.#handles.size;
    this.#handles.clear();
  }

  #receive(chunk: Buffer): void {
    this.#framer.push(chunk);
    for (let packet = this.#framer.next(); packet !== undefined; packet = this.#framer.next()) {
      const request = parseRequest(packet);
      if (request.type === 'init') {
        const { posixRename, fsync, copyData, freeBytes, alsoOffers } = this.#server.quirks;
        const names: string[] = [...alsoOffers];
        if (posixRename) names.push(ExtensionName.posixRename);
        if (fsync) names.push(ExtensionName.fsync);
        if (copyData) names.push(ExtensionName.copyData);
        if (freeBytes !== undefined) names.push(ExtensionName.statVfs);
        const extensions = new Map(names.map((name) => [name, Buffer.from('1')]));
        for (const [name, value] of offeredFor(this.#server.quirks.checkFile)) extensions.set(name, Buffer.from(value));
        this.channel.push(encodeReply({ type: 'version', version: 3, extensions }));
        continue;
      }
      this.#server.asked.push(request.type === 'extended' ? request.name : request.type);
      if (this.#server.quirks.leavesUnanswered.includes(request.type)) continue;
      const answer = this.#answer(request);
      if (answer !== 'none' && !this.channel.destroyed)
        this.channel.push(encodeReply({ ...answer, id: request.id } as Reply));
    }
  }

  #answer(request: Exclude<Request, { type: 'init' }>): Answer | 'none' {
    try {
      return this.#carryOut(request);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const message = Buffer.from(error.message);
      return { type: 'status', status: error.status, message, language: Buffer.alloc(0) };
    }
  }

  #carryOut(request: Exclude<Request, { type: 'init' }>): Answer | 'none' {
    const { disk } = this.#server;
    switch (request.type) {
      case 'open':
        return this.#open(text(request.path), request.flags, request.attributes);
      case 'close':
        return this.#close(hex(request.handle));
      case 'read':
        this.#server.quirks.beforeRead(request.offset);
        return this.#read(this.#handle(request.handle), request.offset, request.length);
      case 'write':
        return this.#write(this.#handle(request.handle), request.offset, request.data);
      case 'stat':
      case 'lstat': {
        return this.#attributes(this.#find(text(request.path)));
      }
      case 'realpath': {
        const path = text(request.path);
        const name = Buffer.from(isAbsolute(path) ? normalize(path) : join('/', path), 'latin1');
        return { type: 'name', entries: [{ name, longName: Buffer.alloc(0), attributes: {} }] };
      }
      case 'readlink': {
        const { kind, bytes } = this.#find(text(request.path));
        if (kind !== 'link') throw new Refusal(StatusCode.failure, 'Not a link');
        return { type: 'name', entries: [{ name: bytes, longName: Buffer.alloc(0), attributes: {} }] };
      }
      case 'fstat':
        if (this.#server.quirks.refusesFstat) throw new Refusal(StatusCode.unsupported, 'No looks by handle');
        return this.#attributes(this.#handle(request.handle).file);
      case 'fsetstat':
        return this.#setAttributes(this.#handle(request.handle).file, request.attributes);
      case 'mkdir': {
        const { permissions } = request.attributes;
        const { refuseOpenMode } = this.#server.quirks;
        if (permissions !== undefined && refuseOpenMode !== undefined)
          throw new Refusal(refuseOpenMode, 'No modes here');
        this.#server.put(text(request.path), '', { kind: 'directory', mode: permissions ?? 0o755 });
        return OK;
      }
      case 'symlink':
        if (disk.has(text(request.link))) throw new Refusal(StatusCode.failure, 'File exists');
        this.#server.put(text(request.link), request.target, { kind: 'link', mode: 0o777 });
        return OK;
      case 'opendir':
        return this.#openDirectory(text(request.path));
      case 'readdir':
        return this.#readDirectory(hex(request.handle));
      case 'setstat': {
        const file = disk.get(text(request.path));
        if (file === undefined) throw new Refusal(StatusCode.noSuchFile, 'No such file');
        return this.#setAttributes(file, request.attributes);
      }
      case 'remove':
        if (this.#server.quirks.refuseRemove(text(request.path))) {
          throw new Refusal(StatusCode.permissionDenied, 'Permission denied');
        }
        if (!disk.delete(text(request.path))) throw new Refusal(StatusCode.noSuchFile, 'No such file');
        return OK;
      case 'rename':
        return this.#rename(text(request.oldPath), text(request.newPath), this.#server.quirks.renameReplaces);
      case 'extended':
        return this.#extended(request.name, request.payload);
      default:
        throw new Refusal(StatusCode.unsupported, `${request.type} is not known`);
    }
  }

  #extended(name: string, payload: Uint8Array): Answer | 'none' {
    if (name.startsWith(ExtensionName.checkFile)) return this.#checkFile(name, payload);
    if (name === ExtensionName.posixRename) {
      const { refusePosixRename } = this.#server.quirks;
      if (refusePosixRename !== undefined) throw new Refusal(refusePosixRename, 'Not here');
      const { oldPath, newPath } = parsePosixRename(payload);
      return this.#rename(text(oldPath), text(newPath), true);
    }
    const { freeBytes, copyData } = this.#server.quirks;
    if (name === ExtensionName.statVfs && freeBytes !== undefined) return freeSpace(freeBytes);
    if (name === ExtensionName.copyData && copyData) return this.#copyData(parseCopyData(payload));
    if (name !== ExtensionName.fsync) throw new Refusal(StatusCode.unsupported, 'Unknown extension');
    this.#handle(parseFsync(payload).handle);
    return OK;
  }

  #copyData({ fromHandle, fromOffset, length, toHandle, toOffset }: CopyData): Answer {
    const { bytes } = this.#handle(fromHandle).file;
    return this.#write(this.#handle(toHandle), toOffset, Buffer.from(bytes.subarray(fromOffset, fromOffset + length)));
  }

  #checkFile(name: string, payload: Uint8Array): Answer | 'none' {
    const { checkFile, beforeCheckFile } = this.#server.quirks;
    beforeCheckFile();
    const answer = answerCheckFile(checkFile, name, payload, {
      byPath: (path) => this.#server.disk.get(text(path))?.bytes,
      byHandle: (handle) => this.#handle(handle).file.bytes,
      hashed: (bytes) => {
        this.#server.hashed += bytes;
      },
    });
    if (answer === 'none') return answer;
    if ('status' in answer) throw new Refusal(answer.status, answer.message);
    return { type: 'extendedReply', payload: answer.payload };
  }

  #open(path: string, flags: number, attributes: SftpAttributes): Answer {
    const { disk, quirks, handles } = this.#server;
    const others = [...handles].filter((handle) => handle.path === path);
    const { refusesSecondOpen: refused } = quirks;
    if (refused !== false && others.length > 0)
      throw new Refusal(refused === true ? StatusCode.failure : refused, 'The file is in use');
    if (quirks.refusesReading && flags & OpenFlag.read) throw new Refusal(StatusCode.permissionDenied, 'Drop box');
    let file = disk.get(path) ?? quirks.finds(path);
    if (file !== undefined && flags & OpenFlag.exclusive) throw new Refusal(StatusCode.failure, 'File exists');
    if (file === undefined && !(flags & OpenFlag.create)) throw new Refusal(StatusCode.noSuchFile, 'No such file');
    const isForWriting = (flags & OpenFlag.write) !== 0;
    const isPrivate = isForWriting && (quirks.privateTemporary || (quirks.secondWritesElsewhere && others.length > 0));
    if (file === undefined || isPrivate) {
      file = {
        bytes: Buffer.from(file?.bytes ?? []),
        kind: 'file',
        mode: attributes.permissions ?? 0o644,
        mtimeSeconds: 2000,
      };
      if (!isPrivate) disk.set(path, file);
    }
    if (quirks.refuseOpenMode !== undefined && attributes.permissions !== undefined) {
      file.mode = 0o644;
      throw new Refusal(quirks.refuseOpenMode, 'No modes here');
    }
    if (quirks.truncatesOnOpen || flags & OpenFlag.truncate) file.bytes = Buffer.alloc(0);
    const mayRead = (flags & OpenFlag.read) !== 0;
    const mayWrite = isForWriting && !(quirks.refusesSecondWrite && others.length > 0);
    const handle: Handle = { path, file, isPrivate, mayRead, mayWrite, written: false };
    const id = Buffer.alloc(4);
    id.writeUInt32BE(++this.#lastHandle);
    this.#handles.set(hex(id), handle);
    handles.add(handle);
    this.#server.openHandles++;
    return { type: 'handle', handle: id };
  }

  #openDirectory(path: string): Answer {
    const directory = path.replace(/\/$/, '');
    const entries = this.#server.quirks.listing(directory) ?? this.#entriesOf(directory);
    const id = Buffer.alloc(4);
    id.writeUInt32BE(++this.#lastHandle);
    this.#listings.set(hex(id), entries[Symbol.iterator]());
    return { type: 'handle', handle: id };
  }

  #entriesOf(directory: string): (readonly NameEntry[])[] {
    const { disk, quirks } = this.#server;
    const inside = [...disk].filter(([name]) => dirname(name) === directory);
    const odd = disk.get(directory);
    if (odd === undefined && disk.get(dirname(directory))?.kind === 'directory') {
      throw new Refusal(StatusCode.noSuchFile, 'No such directory');
    }
    const entries = inside.map(([path, file]) => listedAs(basename(path), file));
    if (odd !== undefined) entries.push(...quirks.alsoLists.map((name) => listedAs(name, odd)));
    return Array.from({ length: Math.ceil(entries.length / 100) }, (_, i) => entries.slice(i * 100, i * 100 + 100));
  }

  #readDirectory(id: string): Answer {
    const answers = this.#listings.get(id);
    if (answers === undefined) throw new Refusal(StatusCode.failure, 'Invalid handle');
    if (this.#server.quirks.listsDotsForever) {
      return { type: 'name', entries: [{ name: Buffer.from('.'), longName: Buffer.alloc(0), attributes: {} }] };
    }
    const { value, done } = answers.next();
    if (done) throw new Refusal(StatusCode.eof, 'End of directory');
    return { type: 'name', entries: value };
  }

  #close(id: string): Answer {
    if (this.#listings.delete(id)) return OK;
    const handle = this.#handles.get(id);
    if (handle === undefined) throw new Refusal(StatusCode.failure, 'Invalid handle');
    this.#server.quirks.beforeClose(handle.path);
    this.#handles.delete(id);
    this.#server.handles.delete(handle);
    this.#server.openHandles--;
    const { secondWritesElsewhere, refuseClose } = this.#server.quirks;
    if (handle.isPrivate || (secondWritesElsewhere && handle.mayWrite)) this.#server.disk.set(handle.path, handle.file);
    if (refuseClose && handle.written) throw new Refusal(StatusCode.failure, 'Quota exceeded');
    return OK;
  }

  #read({ mayRead, file: { bytes } }: Handle, offset: number, length: number): Answer {
    if (!mayRead) throw new Refusal(StatusCode.permissionDenied, 'Not for reading');
    if (offset >= bytes.length) throw new Refusal(StatusCode.eof, 'End of file');
    const end = offset + Math.min(length, this.#server.quirks.longestRead);
    return { type: 'data', data: bytes.subarray(offset, end) };
  }

  #write(handle: Handle, offset: number, given: Uint8Array): Answer {
    const { quirks } = this.#server;
    let data = given;
    if (offset < quirks.shortWriteAt && offset + data.length > quirks.shortWriteAt) {
      data = data.subarray(0, quirks.shortWriteAt - offset);
      quirks.shortWriteAt = Number.POSITIVE_INFINITY;
    }
    if (!handle.mayWrite) throw new Refusal(StatusCode.permissionDenied, 'Not you');
    const { file } = handle;
    const at = quirks.ignoresOffsets ? file.bytes.length : offset;
    const end = at + data.length;
    if (end > quirks.fullAt || this.#server.bytes + Math.max(0, end - file.bytes.length) > quirks.quotaBytes) {
      throw new Refusal(StatusCode.failure, quirks.fullText);
    }
    if (end > file.bytes.length) file.bytes = Buffer.concat([file.bytes, Buffer.alloc(end - file.bytes.length)]);
    file.bytes.set(data, at);
    file.mtimeSeconds++;
    handle.written = true;
    return OK;
  }

  #attributes(file: DiskFile): Answer {
    const { size = 0, ...more } = attributesOf(file);
    const attributes = { size: Math.max(0, size - this.#server.quirks.sizeLie), ...more };
    return { type: 'attributes', attributes };
  }

  #setAttributes(file: DiskFile, { size, permissions, times }: SftpAttributes): Answer {
    const { quirks } = this.#server;
    if (size !== undefined) {
      file.bytes = Buffer.concat([file.bytes, Buffer.alloc(Math.max(0, size - file.bytes.length))]).subarray(0, size);
      file.mtimeSeconds++;
    }
    if (permissions !== undefined) {
      if (quirks.refuseMode) throw new Refusal(StatusCode.permissionDenied, 'No modes here');
      file.mode = permissions & 0o7777;
    }
    if (times !== undefined) {
      if (quirks.refuseTimes) throw new Refusal(StatusCode.unsupported, 'No times here');
      if (!quirks.ignoresTimes) file.mtimeSeconds = times.mtimeSeconds;
    }
    return OK;
  }

  #rename(from: string, to: string, replaces: boolean): Answer {
    const { disk, quirks } = this.#server;
    quirks.beforeRename();
    const file = disk.get(from);
    if (file === undefined) throw new Refusal(StatusCode.noSuchFile, 'No such file');
    const refusal = quirks.refuseRename(from, to);
    if (refusal !== false) {
      throw new Refusal(refusal === true ? StatusCode.permissionDenied : refusal, 'Permission denied');
    }
    if (disk.has(to) && !replaces) throw new Refusal(StatusCode.failure, 'File exists');
    disk.delete(from);
    disk.set(to, file);
    if (quirks.renamesAnswered > 0) {
      quirks.renamesAnswered--;
    } else if (quirks.loseRenameAnswers > 0) {
      quirks.loseRenameAnswers--;
      this.channel.destroy();
    }
    return OK;
  }

  #find(path: string): DiskFile {
    const { disk, quirks } = this.#server;
    const file = disk.get(path) ?? quirks.finds(path);
    if (file === undefined) throw new Refusal(StatusCode.noSuchFile, 'No such file');
    return file;
  }

  #handle(id: Uint8Array): Handle {
    const handle = this.#handles.get(hex(id));
    if (handle === undefined) throw new Refusal(StatusCode.failure, 'Invalid handle');
    return handle;
  }
}

/** An entry of a listing. */
export function listedAs(name: string, file: DiskFile): NameEntry {
  return { name: Buffer.from(name, 'latin1'), longName: Buffer.alloc(0), attributes: attributesOf(file) };
}

function attributesOf({ bytes, kind, mode, mtimeSeconds }: DiskFile): SftpAttributes {
  return { size: bytes.length, permissions: KIND_BITS[kind] | mode, times: { atimeSeconds: 0, mtimeSeconds } };
}

function freeSpace(bytes: number): Answer {
  const blocks = { blockSize: 1, fragmentSize: 1, blocks: 2 ** 40, blocksFree: bytes, blocksAvailable: bytes };
  const rest = { files: 9, filesFree: 9, filesAvailable: 9, fileSystemId: 0, flags: 0, maxNameLength: 255 };
  return { type: 'extendedReply', payload: encodeStatVfs({ ...blocks, ...rest }) };
}

function text(path: Uint8Array): string {
  return Buffer.from(path).toString('latin1');
}

function hex(handle: Uint8Array): string {
  return Buffer.from(handle).toString('hex');
}
