/** A file of a remote in memory, open for reading. */
import { CopyError } from '../../src/errors.ts';
import type { Attributes, Drain, Range, RemoteFile, Slices } from '../../src/remotes/remote.ts';
import type { MemoryConnection } from './memory-remote.ts';
import { carrySlices } from './memory-slices.ts';

export class MemoryRemoteFile implements RemoteFile {
  readonly attributes: Promise<Attributes>;
  readonly #connection: MemoryConnection;
  readonly #path: string;
  #closed = false;

  constructor(connection: MemoryConnection, path: string, attributes: Attributes) {
    this.#connection = connection;
    this.#path = path;
    this.attributes = Promise.resolve(attributes);
  }

  async read(slices: Slices, drain: Drain): Promise<void> {
    if (this.#closed) throw new CopyError('bug', 'It is closed.');
    const shorter = () => new CopyError('source-changed', 'It became shorter.');
    await readSlices(this.#connection, this.#path, slices, drain, shorter);
  }

  async hasByteAt(offset: number): Promise<boolean> {
    await this.#connection.cross();
    return offset < (this.#connection.remote.contents(this.#path)?.length ?? 0);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#connection.cross();
    this.#connection.reading.delete(this);
    this.#connection.checkClose();
  }
}

export function readSlices(
  connection: MemoryConnection,
  path: string,
  slices: Slices,
  drain: Drain,
  endedEarly: () => CopyError,
): Promise<void> {
  const { remote } = connection;
  const { answerLength, endAt } = remote.faults;
  const carry = async ({ offset, length }: Range): Promise<void> => {
    const end = offset + length;
    for (let next = offset; next < end; ) {
      const part = { offset: next, length: Math.min(answerLength, end - next) };
      await connection.carry(part, 'onRead');
      const bytes = remote.contents(path)?.subarray(0, Math.min(endAt, part.offset + part.length));
      const view = Buffer.from(bytes?.subarray(next) ?? []);
      if (view.length === 0) throw endedEarly();
      await drain([view], next);
      next += view.length;
      // Nobody may look at it any more.
      view.fill(0xdb);
    }
  };
  return carrySlices(remote.faults, slices, () => connection.cross(), carry);
}
