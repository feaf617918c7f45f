/**
 * A remote without a network: files in a Map, connections that can be refused, lost, held back. Everything it does
 * wrong is told in advance by its faults, or by what a test hooks in.
 */
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { CopyError, type ErrorCode } from '../../src/errors.ts';
import type {
  Abilities,
  Attributes,
  CopiedStage,
  DigestAlgorithm,
  Digester,
  DigestMethod,
  DirectoryEntry,
  DrawnStage,
  FinalAttributes,
  FoundStage,
  NewAttributes,
  Published,
  PublishOptions,
  Range,
  Remote,
  RemoteConnection,
  RemoteFile,
  RemoteIdentity,
  RemoteSpec,
  Seal,
  Situation,
  Staged,
  StagedWhole,
  StageToken,
  WholeFile,
} from '../../src/remotes/remote.ts';
import { DIGEST_METHODS } from '../../src/remotes/sftp/digests/open-digester.ts';
import { type Deferred, deferred } from '../../src/util/deferred.ts';
import { type MemoryFaults, NO_FAULTS } from './memory-faults.ts';
import { MemoryRemoteFile } from './memory-file.ts';
import { MemoryStaged } from './memory-staged.ts';
import { readWholeFile, stageWholeFile } from './memory-whole.ts';

export type { MemoryFaults } from './memory-faults.ts';

interface MemoryFile {
  bytes: Buffer;
  mtimeMs: number;
  mode: number;
}

/**
 * The first staged file of a target is kept under this name until it is published; later ones have a number behind it.
 */
export function stagedName(target: string): string {
  return `${target}.staged`;
}

/** What a digest is told to be; undefined: as computed; `missing`: that the bytes are not there. */
export type DigestTold = Buffer | 'missing' | undefined;

export class MemoryRemote implements Remote {
  readonly spec: RemoteSpec = { protocol: 'memory' };
  readonly digestMethods: readonly DigestMethod[] = DIGEST_METHODS;
  readonly identity: RemoteIdentity = { host: 'memory', port: 1, user: 'tester' };
  readonly faults: MemoryFaults;
  readonly files: Map<string, MemoryFile> = new Map();
  readonly directories: Set<string> = new Set(['/', '/home']);
  /** Of directories that were made with a mode. */
  readonly directoryModes: Map<string, number> = new Map();
  /** The texts of symbolic links. Only the last name of a path is followed. */
  readonly links: Map<string, string> = new Map();
  /** Called before bytes are stored; may lose connections, change the source, or hold the bytes back. */
  onWrite: (connection: number, range: Range) => void | Promise<void> = () => {};
  /** The same before bytes are given. */
  onRead: (connection: number, range: Range) => void | Promise<void> = () => {};
  /** Called before a connection is let in to a staged file. */
  onJoin: (connection: number) => void | Promise<void> = () => {};
  /** Called when a staged file was brought to the disk, with its path. */
  onSync: (path: string) => void = () => {};
  /** Called when the server is asked for its room. */
  onCheckRoom: (connection: number) => void = () => {};
  /** What a digest is told to be; undefined: as computed; `missing`: that the bytes are not there. */
  onDigest: (method: DigestMethod, range: Range, connection: number) => DigestTold | Promise<DigestTold> = () =>
    undefined;
  /** How often each connection was dialled. */
  readonly dialled: Map<number, number> = new Map();
  /** By the remote itself. */
  filesCopied = 0;
  /** Bytes that were stored, rewritten ones included. */
  bytesStored = 0;
  /** Names that were given to staged files, or that something had: none is used again. */
  protected readonly usedNames: Set<string> = new Set();
  readonly #open: Map<number, MemoryConnection> = new Map();
  #gate: Deferred<void> | undefined;
  #stages = 0;

  constructor(faults: Partial<MemoryFaults> = {}) {
    this.faults = structuredClone({ ...NO_FAULTS, ...faults });
    if (this.faults.holdAcknowledgements) this.#gate = deferred();
  }

  get open(): number[] {
    return [...this.#open.keys()].sort((a, b) => a - b);
  }

  /** Staged files that somebody holds open. */
  get holders(): number {
    return [...this.#open.values()].reduce((sum, { held }) => sum + held.size, 0);
  }

  /** How often files are open for reading. */
  get readers(): number {
    return [...this.#open.values()].reduce((sum, { reading }) => sum + reading.size, 0);
  }

  async connect(id: number, signal: AbortSignal, admitted: () => void = () => {}): Promise<RemoteConnection> {
    this.dialled.set(id, (this.dialled.get(id) ?? 0) + 1);
    if (this.faults.hangConnect.includes(id)) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    }
    await Promise.resolve();
    if (signal.aborted) throw CopyError.from(signal.reason, 'cancelled');
    const failure = this.faults.failConnect[id]?.shift();
    if (failure !== undefined) throw CopyError.fromData(failure);
    admitted();
    const connection = new MemoryConnection(this, id, this.faults.loseAfter[id]?.shift() ?? Number.POSITIVE_INFINITY);
    this.#open.set(id, connection);
    void connection.closed.then(() => this.#open.delete(id));
    return connection;
  }

  lose(id: number): void {
    this.#open.get(id)?.end(new CopyError('connection-lost', `Connection ${id} was cut.`));
  }

  /** Lets acknowledgements through from now on. */
  release(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /** What bytes wait for before they are stored, or given. */
  get gate(): Promise<void> | undefined {
    return this.#gate?.promise;
  }

  /** A file has got its name. */
  onPublished(_target: string): void {}

  nextStage(): number {
    return ++this.#stages;
  }

  newStagedName(target: string): string {
    const first = stagedName(target);
    let name = first;
    for (let n = 2; this.usedNames.has(name) || this.files.has(name); n++) name = `${first}.${n}`;
    this.usedNames.add(name);
    return name;
  }

  /** Of all that are staged for a target. */
  stagedNames(target: string): string[] {
    return [...this.files.keys()].filter((path) => path.startsWith(stagedName(target)));
  }

  contents(path: string): Buffer | undefined {
    return this.files.get(path)?.bytes;
  }

  /** Makes a file, or another one in its place. */
  put(path: string, bytes: Uint8Array): void {
    this.files.set(path, { bytes: Buffer.from(bytes), mtimeMs: 1_700_000_000_000, mode: 0o644 });
  }

  store(path: string, offset: number, bytes: Uint8Array): void {
    const file = this.files.get(path);
    if (file === undefined) return;
    const end = offset + bytes.length;
    if (file.bytes.length < end) file.bytes = Buffer.concat([file.bytes, Buffer.alloc(end - file.bytes.length)]);
    file.bytes.set(bytes, offset);
    this.bytesStored += bytes.length;
  }
}

export class MemoryConnection implements RemoteConnection {
  readonly abilities: Abilities;
  readonly description: string;
  readonly remote: MemoryRemote;
  readonly id: number;
  readonly held: Set<MemoryStaged> = new Set();
  readonly reading: Set<RemoteFile> = new Set();
  readonly #closed: Deferred<CopyError | undefined> = deferred();
  readonly #gone: Deferred<never> = deferred();
  #left: number;
  #reason: CopyError | undefined;

  constructor(remote: MemoryRemote, id: number, loseAfter: number) {
    this.remote = remote;
    this.id = id;
    this.#left = loseAfter;
    this.description = `memory ${id}`;
    this.abilities = {
      pieceSize: { min: 1, max: Number.MAX_SAFE_INTEGER, maxPieces: Number.MAX_SAFE_INTEGER },
      smallestCut: remote.faults.smallestCut,
      writers: remote.faults.writers,
      durable: remote.faults.durable,
    };
  }

  get closed(): Promise<CopyError | undefined> {
    return this.#closed.promise;
  }

  end(reason: CopyError | undefined): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason ?? new CopyError('connection-lost', 'The connection was closed.');
    this.#gone.reject(this.#reason);
    if (this.remote.faults.slowClose) setTimeout(() => this.#closed.resolve(reason), 20);
    else this.#closed.resolve(reason);
  }

  async close(): Promise<void> {
    this.end(undefined);
    await this.#closed.promise;
  }

  /** Every operation crosses the network. */
  async cross(): Promise<void> {
    await Promise.resolve();
    if (this.#reason !== undefined) throw this.#reason;
  }

  /** Resolves when bytes may be stored, or given; rejects when the connection goes first. */
  async carry(range: Range, hook: 'onWrite' | 'onRead'): Promise<void> {
    const permitted = (async () => {
      await this.remote.gate;
      await this.remote[hook](this.id, range);
    })();
    permitted.catch(() => {});
    await Promise.race([permitted, this.#gone.promise]);
    if (this.#reason !== undefined) throw this.#reason;
    if (range.length > this.#left) {
      this.remote.lose(this.id);
      await this.cross();
    }
    this.#left -= range.length;
  }

  ping(): Promise<void> {
    return this.cross();
  }

  async stat(path: Uint8Array): Promise<Attributes | undefined> {
    await this.cross();
    const name = pathText(path);
    const text = this.remote.links.get(name);
    return this.#at(text === undefined ? name : posix.resolve(posix.dirname(name), text));
  }

  async lstat(path: Uint8Array): Promise<Attributes | undefined> {
    await this.cross();
    return this.#at(pathText(path));
  }

  #at(name: string): Attributes | undefined {
    const { directories, directoryModes, files, links } = this.remote;
    if (directories.has(name)) return { kind: 'directory', size: 0, mode: directoryModes.get(name) ?? 0o755 };
    const text = links.get(name);
    if (text !== undefined) return { kind: 'link', size: text.length, mode: 0o777 };
    const file = files.get(name);
    return file && { kind: 'file', size: file.bytes.length, mtimeMs: file.mtimeMs, mode: file.mode };
  }

  async realPath(path: Uint8Array): Promise<Uint8Array> {
    await this.cross();
    return Buffer.from(pathText(path), 'latin1');
  }

  async makeDirectory(path: Uint8Array, mode?: number): Promise<void> {
    await this.cross();
    const name = pathText(path);
    this.remote.directories.add(name);
    if (mode !== undefined) this.remote.directoryModes.set(name, mode & 0o777);
  }

  async readLink(path: Uint8Array): Promise<Uint8Array> {
    await this.cross();
    const text = this.remote.links.get(pathText(path));
    if (text !== undefined) return Buffer.from(text, 'latin1');
    const isThere = (await this.stat(path)) !== undefined;
    throw new CopyError(isThere ? 'source-unreadable' : 'source-missing', 'There is no link.');
  }

  async makeLink(path: Uint8Array, text: Uint8Array): Promise<void> {
    if ((await this.lstat(path)) !== undefined) throw new CopyError('destination-refused', 'Something stands there.');
    this.remote.links.set(pathText(path), Buffer.from(text).toString('latin1'));
  }

  async *list(path: Uint8Array): AsyncGenerator<readonly DirectoryEntry[]> {
    await this.cross();
    const directory = pathText(path);
    const { files, directories, links } = this.remote;
    if (!directories.has(directory)) throw new CopyError('destination-refused', 'There is no such directory.');
    const entries: DirectoryEntry[] = [];
    for (const inside of [...files.keys(), ...directories, ...links.keys()]) {
      if (inside === directory || posix.dirname(inside) !== directory) continue;
      const attributes = this.#at(inside);
      if (attributes !== undefined) entries.push({ name: Buffer.from(posix.basename(inside), 'latin1'), attributes });
    }
    while (entries.length > 0) {
      yield entries.splice(0, 100);
      await this.cross();
    }
  }

  async setAttributes(path: Uint8Array, { mode, mtimeMs }: NewAttributes): Promise<void> {
    await this.cross();
    const file = this.remote.files.get(pathText(path));
    if (file === undefined) throw new CopyError('destination-refused', 'Nothing stands there.');
    if (mode !== undefined) file.mode = mode & 0o777;
    if (mtimeMs !== undefined) file.mtimeMs = mtimeMs;
  }

  async remove(path: Uint8Array): Promise<void> {
    await this.cross();
    this.remote.files.delete(pathText(path));
    this.remote.links.delete(pathText(path));
  }

  readWhole(path: Uint8Array, size: number): Promise<WholeFile> {
    return readWholeFile(this, path, size);
  }

  stageWhole(
    target: Uint8Array,
    bytes: Uint8Array,
    final: FinalAttributes & { readonly syncs: boolean },
  ): Promise<StagedWhole> {
    return stageWholeFile(this, target, bytes, final);
  }

  async open(path: Uint8Array): Promise<RemoteFile> {
    const attributes = await this.stat(path);
    this.checkRead('source-unreadable');
    if (attributes === undefined) throw new CopyError('source-missing', 'Nothing stands there.');
    if (attributes.kind !== 'file') throw new CopyError('source-unsupported', 'It is no file.');
    const file = new MemoryRemoteFile(this, pathText(path), attributes);
    this.reading.add(file);
    return file;
  }

  checkRead(code: ErrorCode): void {
    if (this.remote.faults.refuseRead.includes(this.id)) throw new CopyError(code, 'The server lets nobody read.');
  }

  checkClose(): void {
    if (this.remote.faults.failClose.includes(this.id))
      throw new CopyError('no-space', 'The server could not keep it.');
  }

  async stage(target: Uint8Array, how: 'new' | 'in-place'): Promise<Staged> {
    await this.cross();
    const { files } = this.remote;
    const path = how === 'in-place' ? pathText(target) : this.remote.newStagedName(pathText(target));
    if (how === 'new' || !files.has(path)) files.set(path, { bytes: Buffer.alloc(0), mtimeMs: 0, mode: 0o600 });
    return this.#staged({
      target: pathText(target),
      path,
      stage: how === 'new' ? path : String(this.remote.nextStage()),
    });
  }

  async findStaged(target: Uint8Array): Promise<readonly FoundStage[]> {
    await this.cross();
    const found: FoundStage[] = [];
    for (const path of this.remote.stagedNames(pathText(target))) {
      const token = { target: pathText(target), path, stage: path };
      const attributes = await this.lookAt(token);
      if (attributes !== undefined) found.push({ token, path: Buffer.from(path), attributes, isCertain: true });
    }
    return found;
  }

  async lookAt({ path }: StageToken): Promise<Attributes | undefined> {
    const found = await this.stat(Buffer.from(String(path)));
    return found?.kind === 'file' ? found : undefined;
  }

  drawStage(target: Uint8Array): DrawnStage {
    const path = this.remote.newStagedName(pathText(target));
    return { token: { target: pathText(target), path, stage: path }, path: Buffer.from(path) };
  }

  async copyStaged(from: StageToken | Uint8Array, copy: StageToken): Promise<CopiedStage | undefined> {
    await this.cross();
    const original = this.remote.files.get(from instanceof Uint8Array ? pathText(from) : String(from['path']));
    if (original === undefined || !this.remote.faults.copiesFiles) return undefined;
    this.remote.files.set(String(copy['path']), { ...original, bytes: Buffer.from(original.bytes), mode: 0o600 });
    this.remote.filesCopied++;
    return { warnings: [] };
  }

  async freeSpace(): Promise<number | undefined> {
    await this.cross();
    return this.remote.faults.freeSpace;
  }

  async reopen(token: StageToken): Promise<Staged | undefined> {
    const found = await this.stat(Buffer.from(String(token['path'])));
    if (found?.kind !== 'file') return undefined;
    return this.#staged(token, found);
  }

  async discard({ path }: StageToken): Promise<boolean> {
    await this.cross();
    this.remote.files.delete(String(path));
    return true;
  }

  async join(token: StageToken): Promise<Staged> {
    await this.cross();
    await this.remote.onJoin(this.id);
    if (this.remote.faults.refuseJoin.includes(this.id)) {
      throw new CopyError('single-writer', 'The server lets nobody else in.');
    }
    return this.#staged(token, await this.stat(Buffer.from(String(token['path']))));
  }

  #staged(token: StageToken, found?: Attributes): MemoryStaged {
    const staged = new MemoryStaged(this, token, found);
    this.held.add(staged);
    return staged;
  }

  async examine(target: Uint8Array, staged: StageToken | undefined): Promise<Situation> {
    const path = staged?.['path'] === staged?.['target'] ? undefined : staged && Buffer.from(String(staged['path']));
    return {
      target: (await this.stat(target)) ?? 'missing',
      isTargetWritable: undefined,
      staged: path && { path, at: (await this.stat(path)) ?? 'missing' },
      space: undefined,
      trial: undefined,
    };
  }

  async digester(method: DigestMethod): Promise<Digester> {
    await this.cross();
    const { remote, id } = this;
    if (!remote.faults.digestMethods.includes(method)) throw new CopyError('unsupported', `There is no ${method}.`);
    return {
      method,
      algorithms: ['sha256', 'sha512', 'sha1', 'md5'],
      maxRangeLength: 2 ** 30,
      digests: async (of, ranges, algorithm) => {
        await this.cross();
        const path = of instanceof Uint8Array ? pathText(of) : String(of['path']);
        return Promise.all(ranges.map((range) => digestOf(remote, method, path, range, algorithm, id)));
      },
      close: async () => {},
    };
  }

  async publish({ target, path }: StageToken, seal: Seal, options: PublishOptions = {}): Promise<Published> {
    await this.cross();
    const { files, faults } = this.remote;
    const { isRepeat = false, replaces } = options;
    if (path !== target && !isRepeat && replaces !== undefined && this.#isOvertaken(String(target), replaces)) {
      throw new CopyError('target-busy', 'Somebody else published.');
    }
    const staged = files.get(String(path));
    if (path !== target && staged !== undefined) {
      if (staged.bytes.length !== seal.size)
        throw new CopyError('target-busy', 'It is not as it was sealed.', { retry: true });
      files.set(String(target), staged);
      files.delete(String(path));
    }
    if (faults.loseRenameAnswers > 0) {
      faults.loseRenameAnswers--;
      this.remote.lose(this.id);
      await this.cross();
    }
    const size = files.get(String(target))?.bytes.length;
    if (size === undefined) throw new CopyError('partial-refused', 'It is gone.');
    this.remote.onPublished(String(target));
    return { isAtomic: true, size: faults.sizeLie ?? size };
  }

  #isOvertaken(target: string, replaces: Attributes | 'nothing'): boolean {
    const file = this.remote.files.get(target);
    if (file === undefined) return false;
    return replaces === 'nothing' || replaces.size !== file.bytes.length || replaces.mtimeMs !== file.mtimeMs;
  }
}

async function digestOf(
  remote: MemoryRemote,
  method: DigestMethod,
  path: string,
  range: Range,
  algorithm: DigestAlgorithm,
  connection: number,
): Promise<Uint8Array | undefined> {
  const told = await remote.onDigest(method, range, connection);
  if (told !== undefined) return told === 'missing' ? undefined : told;
  const bytes = remote.contents(path)?.subarray(range.offset, range.offset + range.length);
  if (bytes?.length !== range.length) return undefined;
  return createHash(algorithm).update(bytes).digest();
}

/** Relative paths begin at the home directory. */
export function pathText(path: Uint8Array): string {
  const name = Buffer.from(path).toString('latin1');
  return posix.resolve('/home', name);
}
