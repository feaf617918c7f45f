/** A staged file of a remote in memory. */
import { CopyError } from '../../src/errors.ts';
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
} from '../../src/remotes/remote.ts';
import { readSlices } from './memory-file.ts';
import { type MemoryConnection, pathText } from './memory-remote.ts';
import { carrySlices } from './memory-slices.ts';

export class MemoryStaged implements Staged {
  readonly token: StageToken;
  readonly found: Attributes | undefined;
  readonly #connection: MemoryConnection;

  constructor(connection: MemoryConnection, token: StageToken, found?: Attributes) {
    this.#connection = connection;
    this.token = token;
    this.found = found;
  }

  async look(): Promise<Attributes> {
    const found = await this.#connection.stat(Buffer.from(this.#path));
    if (found === undefined) throw new CopyError('partial-refused', 'It is gone.');
    return found;
  }

  get #path(): string {
    return String(this.token['path']);
  }

  async write(slices: Slices, fill: Fill, onAcknowledged: (part: Range) => void): Promise<void> {
    const connection = this.#connection;
    const { remote } = connection;
    let filled: Promise<void> = Promise.resolve();
    const carry = async (slice: Range): Promise<void> => {
      const view = Buffer.alloc(slice.length);
      // Several slices are in flight, but a call of `write` reads the source for one at a time, in the order taken.
      const filling = filled.then(() => fill([view], slice.offset));
      filled = filling.catch(() => {});
      await filling;
      await connection.carry(slice, 'onWrite');
      remote.store(this.#path, slice.offset, view);
      onAcknowledged(slice);
    };
    await carrySlices(remote.faults, slices, () => connection.cross(), carry);
  }

  async readBack(slices: Slices, drain: Drain): Promise<void> {
    await this.#connection.cross();
    this.#connection.checkRead('destination-permission');
    const shorter = () => new CopyError('integrity', 'It is shorter than what was written.');
    await readSlices(this.#connection, this.#path, slices, drain, shorter);
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

  async checkRoom(): Promise<void> {
    this.#connection.remote.onCheckRoom(this.#connection.id);
    await this.#connection.cross();
  }

  async copyRange(from: Uint8Array, { offset, length }: Range): Promise<boolean> {
    const { remote } = this.#connection;
    await this.#connection.cross();
    if (!remote.faults.copiesFiles) return false;
    const bytes = remote.contents(pathText(from));
    if (bytes === undefined) throw new CopyError('destination-refused', 'Nothing stands there.');
    remote.store(this.#path, offset, bytes.subarray(offset, offset + length));
    return true;
  }

  async cutOff(size: number): Promise<void> {
    await this.#connection.cross();
    const file = this.#connection.remote.files.get(this.#path)!;
    file.bytes = file.bytes.subarray(0, size);
  }

  async sync(): Promise<boolean> {
    await this.#connection.cross();
    this.#connection.remote.onSync(this.#path);
    return true;
  }

  async seal({ size, mode, mtimeMs }: FinalAttributes): Promise<Seal> {
    await this.#connection.cross();
    const file = this.#connection.remote.files.get(this.#path)!;
    const lacking = size - file.bytes.length;
    if (lacking < 0) file.bytes = file.bytes.subarray(0, size);
    else if (lacking > 0) file.bytes = Buffer.concat([file.bytes, Buffer.alloc(lacking)]);
    file.mode = mode ?? file.mode;
    file.mtimeMs = mtimeMs ?? file.mtimeMs;
    await this.close();
    return { size, mtimeMs: file.mtimeMs, warnings: [] };
  }

  async close(): Promise<void> {
    await this.#connection.cross();
    this.#connection.held.delete(this);
    this.#connection.checkClose();
  }
}
