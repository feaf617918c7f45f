/** What must hold of a connection of every remote. */
import { expect, onTestFinished, test } from 'vitest';
import { choosePieceSize } from '../../../src/engine/schedule/grid.ts';
import type { RemoteConnection } from '../../../src/remotes/remote.ts';
import { fillWith, Sink, slicesOf } from './sftp/staging.ts';
import { complianceOfSmallFiles } from './small-file-compliance.ts';

export interface RemoteUnderTest {
  readonly connection: RemoteConnection;
  /** An empty directory, absolute. */
  readonly directory: string;
  /** Whether the far side can copy ranges of files. */
  readonly copiesRanges: boolean;
}

export function complianceOfRemote(open: () => Promise<RemoteUnderTest>): void {
  async function opened(): Promise<RemoteUnderTest & { readonly pathOf: (name: string) => Buffer }> {
    const remote = await open();
    onTestFinished(() => remote.connection.close());
    return { ...remote, pathOf: (name) => Buffer.from(`${remote.directory}/${name}`, 'latin1') };
  }

  test('a ping is answered, until the connection is gone', async () => {
    const { connection } = await opened();
    await connection.ping();
    await connection.close();
    await expect(connection.ping()).rejects.toMatchObject({ scope: 'connection' });
  });

  test('the smallest cut is a power of two, and fits into every piece', async () => {
    const { abilities } = (await opened()).connection;
    const size = choosePieceSize(2 ** 40, abilities.pieceSize);
    expect(abilities.smallestCut).toBeGreaterThanOrEqual(64 * 1024);
    expect(size % abilities.smallestCut).toBe(0);
    expect(Number.isInteger(Math.log2(abilities.smallestCut))).toBe(true);
  });

  test('a sync keeps what the abilities promise', async () => {
    const { connection, pathOf } = await opened();
    const staged = await connection.stage(pathOf('f'), 'new');
    await staged.write(slicesOf({ offset: 0, length: 5 }), fillWith(Buffer.from('bytes')), () => {});
    expect(await staged.sync()).toBe(connection.abilities.durable !== 'unknown');
    await staged.close();
  });

  /** Makes a file as a copy makes it. */
  async function put(connection: RemoteConnection, path: Buffer, bytes: Buffer): Promise<void> {
    const staged = await connection.stage(path, 'new');
    await staged.write(slicesOf({ offset: 0, length: bytes.length }), fillWith(bytes), () => {});
    await connection.publish(staged.token, await staged.seal({ size: bytes.length, mode: 0o644, mtimeMs: 5000 }));
  }

  async function listed(connection: RemoteConnection, path: Buffer): Promise<Record<string, string>> {
    const found: [string, string][] = [];
    for await (const batch of connection.list(path)) {
      for (const { name, attributes } of batch) {
        found.push([Buffer.from(name).toString('latin1'), `${attributes.kind} ${attributes.size}`]);
      }
    }
    return Object.fromEntries(found.sort());
  }

  test('a directory is listed with exactly its entries, whatever their names are', async () => {
    const { connection, directory, pathOf } = await opened();
    expect(await listed(connection, Buffer.from(directory))).toEqual({});
    await put(connection, pathOf('a'), Buffer.from('four'));
    await put(connection, pathOf('.b\n\xff'), Buffer.alloc(0));
    await connection.makeDirectory(pathOf('d'));
    await put(connection, pathOf('d/inside'), Buffer.from('x'));
    expect(await listed(connection, Buffer.from(directory))).toEqual({
      '.b\n\xff': 'file 0',
      a: 'file 4',
      d: expect.stringMatching(/^directory /),
    });
    await expect(listed(connection, pathOf('nothing'))).rejects.toMatchObject({ scope: 'file', exitCode: 4 });
  });

  test('a listing that is not read to its end leaves no open handle', async () => {
    const { connection, directory, pathOf } = await opened();
    for (const name of ['a', 'b', 'c']) await put(connection, pathOf(name), Buffer.alloc(1));
    for await (const _ of connection.list(Buffer.from(directory))) break;
    await connection.ping();
  });

  test('a file is removed, and one that does not exist counts as removed', async () => {
    const { connection, pathOf } = await opened();
    await put(connection, pathOf('f'), Buffer.from('x'));
    await connection.remove(pathOf('f'));
    expect(await connection.stat(pathOf('f'))).toBeUndefined();
    await connection.remove(pathOf('f'));
  });

  test('mode and time of the last change are set, each alone and without special bits', async () => {
    const { connection, pathOf } = await opened();
    const path = pathOf('f');
    await put(connection, path, Buffer.from('bytes'));
    await connection.setAttributes(path, { mode: 0o4640 });
    expect(await connection.stat(path)).toMatchObject({ mode: 0o640, mtimeMs: 5000, size: 5 });
    await connection.setAttributes(path, { mtimeMs: 1_600_000_000_000 });
    expect(await connection.stat(path)).toMatchObject({ mode: 0o640, mtimeMs: 1_600_000_000_000, size: 5 });
    await connection.setAttributes(path, { mode: 0o600, mtimeMs: 7000 });
    expect(await connection.stat(path)).toMatchObject({ mode: 0o600, mtimeMs: 7000 });
    const missing = connection.setAttributes(pathOf('nothing'), { mode: 0o600 });
    await expect(missing).rejects.toMatchObject({ scope: 'file', exitCode: 4 });
  });

  test('a range is copied from another file to the same offset, or nothing is copied', async () => {
    const { connection, copiesRanges, pathOf } = await opened();
    await put(connection, pathOf('old'), Buffer.from('0123456789'));
    const staged = await connection.stage(pathOf('new'), 'new');
    const fill = fillWith(Buffer.from('abcdefghij'));
    await staged.write(slicesOf({ offset: 0, length: 10 }), fill, () => {});
    const isCopied = await staged.copyRange(pathOf('old'), { offset: 3, length: 4 });
    expect(isCopied).toBe(copiesRanges);
    const sink = new Sink(10);
    await staged.readBack(slicesOf({ offset: 0, length: 10 }), sink.drain);
    expect(sink.bytes.toString()).toBe(isCopied ? 'abc3456hij' : 'abcdefghij');
    await staged.close();
  });

  test('where a file ends is found out, whatever its attributes say', async () => {
    const { connection, pathOf } = await opened();
    await put(connection, pathOf('f'), Buffer.from('0123'));
    const file = await connection.open(pathOf('f'));
    expect(await Promise.all([0, 3, 4, 5].map((offset) => file.hasByteAt(offset)))).toEqual([true, true, false, false]);
    await file.close();
  });

  complianceOfSmallFiles(open);

  test('a copy ends where the file ends from which it is made', async () => {
    const { connection, pathOf } = await opened();
    await put(connection, pathOf('old'), Buffer.from('0123'));
    const staged = await connection.stage(pathOf('new'), 'new');
    const isCopied = await staged.copyRange(pathOf('old'), { offset: 2, length: 100 });
    expect((await staged.look())?.size).toBe(isCopied ? 4 : 0);
    await staged.close();
  });
}
