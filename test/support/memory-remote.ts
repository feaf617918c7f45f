/**
 * A remote without a network: files in a Map, connections that can be refused, lost, held back. Everything it does
 * wrong is told in advance by plain data, so that another thread can be given the same remote.
 */
import { posix } from 'node:path';
import { CopyError, type CopyErrorData } from '../../src/errors.ts';
import type {
  Abilities,
  Attributes,
  Fill,
  FinalAttributes,
  Published,
  Range,
  Remote,
  RemoteConnection,
  RemoteSpec,
  Seal,
  Slices,
  Staged,
  StageToken,
  WriterProbe,
} from '../../src/remotes/remote.ts';
import { type Deferred, deferred } from '../../src/util/deferred.ts';

export interface MemoryFaults {
  writers: Abilities['writers'];
  /** What the probe finds. */
  probe: 'many' | 'one' | 'one, data lost';
  /** By connection: how its next attempts to connect fail. */
  failConnect: Record<number, CopyErrorData[]>;
  /** Connections whose dialling takes for ever. */
  hangConnect: number[];
  /** By connection: after how many acknowledged bytes its next openings are lost. */
  loseAfter: Record<number, number[]>;
  /** Connections that may not join. */
  refuseJoin: number[];
  /** Connections whose closing of a staged file fails. */
  failClose: number[];
  /** Closing takes some time, in which everything that is asked fails already. */
  slowClose: boolean;
  /** Bytes are taken and not acknowledged until `release` is called. */
  holdAcknowledgements: boolean;
  /** How many renames do happen, but their answer is lost with the connection. */
  loseRenameAnswers: number;
  /** What the size of a target is told to be. */
  sizeLie: number | undefined;
  /** Longest slice. */
  sliceLength: number;
  /** Slices in flight in one call. */
  depth: number;
}

interface MemoryFile {
  bytes: Buffer;
  mtimeMs: number;
  mode: number;
}

const NO_FAULTS: MemoryFaults = {
  writers: 'many',
  probe: 'many',
  failConnect: {},
  hangConnect: [],
  loseAfter: {},
  refuseJoin: [],
  failClose: [],
  slowClose: false,
  holdAcknowledgements: false,
  loseRenameAnswers: 0,
  sizeLie: undefined,
  sliceLength: 32 * 1024,
  depth: 4,
};

/** A staged file is kept under this name until it is published. */
export function stagedName(target: string): string {
  return `${target}.staged`;
}

export class MemoryRemote implements Remote {
  readonly spec: RemoteSpec = { protocol: 'memory' };
  readonly faults: MemoryFaults;
  readonly files: Map<string, MemoryFile> = new Map();
  readonly directories: Set<string> = new Set(['/', '/home']);
  /** Called before bytes are stored; may lose connections, change the source, or hold the bytes back. */
  onWrite: (connection: number, range: Range) => void | Promise<void> = () => {};
  /** Called before a connection is let in to a staged file. */
  onJoin: (connection: number) => void | Promise<void> = () => {};
  /** Called when a staged file was brought to the disk, with its path. */
  onSync: (path: string) => void = () => {};
  /** How often each connection was dialled. */
  readonly dialled: Map<number, number> = new Map();
  /** Bytes that were stored, rewritten ones included. */
  bytesStored = 0;
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

  /** What bytes wait for before they are stored. */
  get gate(): Promise<void> | undefined {
    return this.#gate?.promise;
  }

  nextStage(): number {
    return ++this.#stages;
  }

  contents(path: string): Buffer | undefined {
    return this.files.get(path)?.bytes;
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

class MemoryConnection implements RemoteConnection {
  readonly abilities: Abilities;
  readonly description: string;
  readonly remote: MemoryRemote;
  readonly id: number;
  readonly held: Set<MemoryStaged> = new Set();
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
      writers: remote.faults.writers,
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

  /** Resolves when bytes may be stored; rejects when the connection goes first. */
  async carry(range: Range): Promise<void> {
    const permitted = (async () => {
      await this.remote.gate;
      await this.remote.onWrite(this.id, range);
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

  async stat(path: Uint8Array): Promise<Attributes | undefined> {
    await this.cross();
    const name = text(path);
    if (this.remote.directories.has(name)) return { kind: 'directory', size: 0, mode: 0o755 };
    const file = this.remote.files.get(name);
    return file && { kind: 'file', size: file.bytes.length, mtimeMs: file.mtimeMs, mode: file.mode };
  }

  lstat(path: Uint8Array): Promise<Attributes | undefined> {
    return this.stat(path);
  }

  async realPath(path: Uint8Array): Promise<Uint8Array> {
    await this.cross();
    return Buffer.from(text(path), 'latin1');
  }

  async makeDirectory(path: Uint8Array): Promise<void> {
    await this.cross();
    this.remote.directories.add(text(path));
  }

  async remove(path: Uint8Array): Promise<void> {
    await this.cross();
    this.remote.files.delete(text(path));
  }

  async stage(target: Uint8Array, how: 'fresh' | 'in-place'): Promise<Staged> {
    await this.cross();
    const { files } = this.remote;
    const path = how === 'fresh' ? stagedName(text(target)) : text(target);
    if (how === 'fresh' || !files.has(path)) files.set(path, { bytes: Buffer.alloc(0), mtimeMs: 0, mode: 0o600 });
    return this.#staged({ target: text(target), path, stage: this.remote.nextStage() });
  }

  async join(token: StageToken): Promise<Staged> {
    await this.cross();
    await this.remote.onJoin(this.id);
    if (this.remote.faults.refuseJoin.includes(this.id)) {
      throw new CopyError('single-writer', 'The server lets nobody else in.');
    }
    return this.#staged(token);
  }

  #staged(token: StageToken): MemoryStaged {
    const staged = new MemoryStaged(this, token);
    this.held.add(staged);
    return staged;
  }

  async publish({ target, path }: StageToken, seal: Seal): Promise<Published> {
    await this.cross();
    const { files, faults } = this.remote;
    const staged = files.get(String(path));
    if (path !== target && staged !== undefined) {
      if (staged.bytes.length !== seal.size) throw new CopyError('target-busy', 'It is not as it was sealed.');
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
    return { atomic: true, size: faults.sizeLie ?? size };
  }
}

class MemoryStaged implements Staged {
  readonly token: StageToken;
  readonly found: Attributes | undefined = undefined;
  readonly #connection: MemoryConnection;

  constructor(connection: MemoryConnection, token: StageToken) {
    this.#connection = connection;
    this.token = token;
  }

  get #path(): string {
    return String(this.token['path']);
  }

  async write(slices: Slices, fill: Fill, acknowledged: (part: Range) => void): Promise<void> {
    const { sliceLength, depth } = this.#connection.remote.faults;
    const flying = new Set<Promise<void>>();
    let failure: unknown;
    const carry = async (range: Range): Promise<void> => {
      try {
        const view = Buffer.alloc(range.length);
        await fill([view], range.offset);
        await this.#connection.carry(range);
        this.#connection.remote.store(this.#path, range.offset, view);
        acknowledged(range);
      } catch (error) {
        failure ??= error;
      }
    };
    try {
      while (failure === undefined) {
        await this.#connection.cross();
        if (flying.size >= depth) {
          await Promise.race(flying);
          continue;
        }
        const range = await slices.take(sliceLength);
        if (range === undefined) break;
        const flight = carry(range).then(() => {
          flying.delete(flight);
        });
        flying.add(flight);
      }
    } catch (error) {
      failure ??= error;
    }
    await Promise.all(flying);
    if (failure !== undefined) throw failure;
  }

  async probeWriters(
    second: RemoteConnection,
    firstOffset: number,
    secondOffset: number,
    size: number,
    fill: Fill,
  ): Promise<WriterProbe> {
    const { probe } = this.#connection.remote.faults;
    if (probe === 'one, data lost') return { writers: 'one', reason: 'opening it again truncates it' };
    const first = { offset: firstOffset, length: Math.min(1024, size - firstOffset) };
    await this.#writeOne(first, fill);
    if (probe === 'one') return { writers: 'one', reason: 'a second connection may not write it', written: [first] };
    const other = (await second.join(this.token)) as MemoryStaged;
    const beyond = { offset: secondOffset, length: Math.min(1024, size - secondOffset) };
    await other.#writeOne(beyond, fill);
    await other.close();
    return { writers: 'many', written: [first, beyond] };
  }

  async #writeOne(range: Range, fill: Fill): Promise<void> {
    let rest: Range | undefined = range;
    const take = (): Range | undefined => {
      const all = rest;
      rest = undefined;
      return all;
    };
    await this.write({ take }, fill, () => {});
  }

  async sync(): Promise<boolean> {
    await this.#connection.cross();
    this.#connection.remote.onSync(this.#path);
    return true;
  }

  async seal({ size, mode, mtimeMs }: FinalAttributes): Promise<Seal> {
    await this.#connection.cross();
    const file = this.#connection.remote.files.get(this.#path)!;
    file.bytes = Buffer.concat([file.bytes, Buffer.alloc(Math.max(0, size - file.bytes.length))]).subarray(0, size);
    file.mode = mode ?? file.mode;
    file.mtimeMs = mtimeMs ?? file.mtimeMs;
    await this.close();
    return { size, mtimeMs: file.mtimeMs, warnings: [] };
  }

  async close(): Promise<void> {
    await this.#connection.cross();
    this.#connection.held.delete(this);
    if (this.#connection.remote.faults.failClose.includes(this.#connection.id)) {
      throw new CopyError('no-space', 'The server could not keep it.');
    }
  }
}

/** Relative paths begin at the home directory. */
function text(path: Uint8Array): string {
  const name = Buffer.from(path).toString('latin1');
  return posix.resolve('/home', name);
}
