/** A staged file that a connection has open on the model server. */
import { CopyError } from '../../../src/errors.ts';
import type {
  Attributes,
  Drain,
  Fill,
  FinalAttributes,
  Range,
  RemoteConnection,
  Seal,
  Slices,
  Staged,
  StageToken,
  WriterProbe,
} from '../../../src/remotes/remote.ts';
import { probeWriters } from '../../../src/remotes/sftp/writer-probe.ts';
import { carrySlices } from '../memory-slices.ts';
import type { ModelConnection } from './model-connection.ts';
import type { Inode } from './model-inode.ts';

export class ModelStaged implements Staged {
  readonly token: StageToken;
  readonly found: Attributes | undefined;
  readonly #connection: ModelConnection;
  readonly #inode: Inode;
  /** Whether the session has a file of its own that nobody else sees before it is closed. */
  readonly #isPrivate: boolean;
  #isChecked = false;
  #filled: Promise<void> = Promise.resolve();

  constructor(connection: ModelConnection, token: StageToken, inode: Inode, found: Attributes | undefined) {
    this.#connection = connection;
    this.token = token;
    this.#inode = inode;
    this.found = found;
    this.#isPrivate = connection.server.habits.writers === 'private';
  }

  async write(slices: Slices, fill: Fill, onAcknowledged: (part: Range) => void): Promise<void> {
    const connection = this.#connection;
    const carry = async (slice: Range): Promise<void> => {
      const bytes = Buffer.alloc(slice.length);
      // Where offsets are ignored, what is taken first must be sent first, also by another call.
      const filling = this.#filled.then(() => fill([bytes], slice.offset));
      this.#filled = filling.catch(() => {});
      await filling;
      this.#expectOwned();
      await connection.request(() => this.#store(slice.offset, bytes), { up: slice.length, isProgress: true });
      onAcknowledged(slice);
    };
    await carrySlices({ sliceLength: 32 * 1024, depth: 4 }, slices, async () => connection.check(), carry);
  }

  async readBack(slices: Slices, drain: Drain): Promise<void> {
    const { server } = this.#connection;
    const inode = await this.#connection.request(() => server.at(this.#path));
    if (inode === undefined && !this.#isPrivate) throw new CopyError('partial-refused', 'It is gone.');
    if (inode === undefined || !server.habits.readsBack) {
      throw new CopyError('destination-permission', 'Nobody may read what is not committed.');
    }
    await this.#connection.readInode(inode, slices, drain, 'integrity');
  }

  probeWriters(
    second: RemoteConnection,
    firstOffset: number,
    secondOffset: number,
    size: number,
    fill: Fill,
  ): Promise<WriterProbe> {
    return probeWriters(this, second, firstOffset, secondOffset, size, fill);
  }

  async sync(): Promise<boolean> {
    const { server } = this.#connection;
    if (!server.habits.hasSync) return false;
    const syncing = this.#connection.request(() => this.#syncNow(), { workMs: server.habits.slowWorkMs });
    await this.#telling(syncing);
    return true;
  }

  async seal({ size, mode, mtimeMs }: FinalAttributes): Promise<Seal> {
    const { server } = this.#connection;
    this.#expectOwned();
    for (const { held, remote } of server.connections) {
      if (remote !== this.#connection.remote) continue;
      for (const other of held) {
        if (other !== this && other.#path === this.#path) server.broken.push('It was sealed while others had it open.');
      }
    }
    const sealing = this.#connection.request(
      () => {
        // Where nobody can ask for it, nobody promises anything about a crash after the seal: there is none.
        if (server.habits.hasSync) this.#syncNow();
        else this.#inode.sync();
        this.#inode.mode = mode ?? this.#inode.mode;
        this.#inode.mtimeMs = mtimeMs ?? this.#inode.mtimeMs;
        return this.#inode.attributes;
      },
      { workMs: server.habits.slowWorkMs },
    );
    const found = await this.#telling(sealing);
    if (found.size !== size) throw new CopyError('integrity', `It has ${found.size} bytes instead of ${size}.`);
    await this.close();
    return { size, ...(found.mtimeMs !== undefined && { mtimeMs: found.mtimeMs }), warnings: [] };
  }

  async look(): Promise<Attributes | undefined> {
    return this.#connection.request(() => this.#inode.attributes);
  }

  async checkRoom(): Promise<void> {
    await this.look();
  }

  async copyRange(): Promise<boolean> {
    return false;
  }

  async cutOff(size: number): Promise<void> {
    const found = await this.look();
    if (found === undefined || found.size <= size) return;
    this.#expectOwned();
    const { server } = this.#connection;
    await this.#connection.request(() => {
      this.#inode.truncate(size, server.nowMs);
      server.changed(this.#inode, 'a cut');
    });
  }

  async close(): Promise<void> {
    const { server } = this.#connection;
    if (!this.#connection.held.has(this)) return;
    await this.#connection.request(() => {
      this.#connection.held.delete(this);
      if (server.takeTrouble('failingCloses')) throw new CopyError('no-space', 'The server could not keep it.');
      if (this.#isPrivate) server.link(this.#path, this.#inode);
    });
  }

  get #path(): string {
    return String(this.token['path']);
  }

  /** Whether somebody learns that the disk did not take something. */
  async #telling<T>(syncing: Promise<T>): Promise<T> {
    try {
      return await syncing;
    } catch (error) {
      if (CopyError.from(error).scope === 'file') this.#inode.isFailureTold = true;
      throw error;
    }
  }

  #syncNow(): void {
    if (this.#inode.hasUntoldFailure || this.#connection.server.takeTrouble('failingSyncs')) {
      this.#connection.server.lastSyncFailureMs = this.#connection.server.time.nowMs;
      this.#inode.isFailureTold = false;
      this.#inode.failSync();
      const refused = { operation: 'sync', text: 'Input/output error.' } as const;
      throw new CopyError('destination-refused', 'Input/output error.', { refused });
    }
    this.#inode.sync();
  }

  #store(offset: number, bytes: Buffer): void {
    const { server } = this.#connection;
    if (server.takeTrouble('failingWrites')) throw new CopyError('destination-refused', 'Input/output error.');
    const at = server.habits.writers === 'append' ? this.#inode.bytes.length : offset;
    if (server.troubles.spoilsAll) bytes[0]! ^= 1;
    if (server.takeTrouble('spoiltWrites')) {
      if (server.random() < 0.5) return;
      bytes[Math.floor(server.random() * bytes.length)]! ^= 1;
    }
    this.#inode.write(at, bytes, server.nowMs);
    server.changed(this.#inode, `a write at ${offset}`);
  }

  /** Nothing is written to an inode by a run whose journal does not own it. */
  #expectOwned(): void {
    if (this.#isChecked) return;
    this.#isChecked = true;
    const { remote, server } = this.#connection;
    if (remote.mayWrite(this.#path, this.#inode)) return;
    server.broken.push(`Run ${remote.run.number} writes to ${this.#path}, which is not its own.`);
  }
}
