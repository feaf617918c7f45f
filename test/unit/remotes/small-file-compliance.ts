/** What must hold of small files, links and listings of every remote. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RemoteConnection } from '../../../src/remotes/remote.ts';
import type { RemoteUnderTest } from './remote-compliance.ts';
import { sourceBytes } from './sftp/staging.ts';

const SIZES = [0, 1, 4096, 32_768, 256 * 1024];
const MTIME_MS = 1_600_000_000_000;

export function complianceOfSmallFiles(open: () => Promise<RemoteUnderTest>): void {
  async function opened(): Promise<RemoteUnderTest & { readonly pathOf: (name: string) => Buffer }> {
    const remote = await open();
    onTestFinished(() => remote.connection.close());
    return { ...remote, pathOf: (name) => Buffer.from(`${remote.directory}/${name}`, 'latin1') };
  }

  async function copy(connection: RemoteConnection, path: Buffer, bytes: Buffer, mode = 0o644): Promise<void> {
    const final = { size: bytes.length, mode, mtimeMs: MTIME_MS, syncs: true };
    const { token, seal } = await connection.stageWhole(path, bytes, final);
    const { size } = await connection.publish(token, seal, { isRepeat: false });
    expect(size).toBe(bytes.length);
  }

  async function namesIn(connection: RemoteConnection, directory: string): Promise<string[]> {
    const names: string[] = [];
    for await (const batch of connection.list(Buffer.from(directory))) {
      expect(batch.length).toBeGreaterThan(0);
      for (const { name } of batch) names.push(Buffer.from(name).toString('latin1'));
    }
    return names.sort();
  }

  describe('small files', () => {
    test.each(SIZES)('one of %d bytes is staged as a whole, committed, and read as a whole', async (size) => {
      const { connection, directory, pathOf } = await opened();
      const bytes = sourceBytes(size + 4).subarray(0, size);
      await copy(connection, pathOf('f'), bytes, 0o640);
      const read = await connection.readWhole(pathOf('f'), size);
      expect(read.bytes.equals(bytes)).toBe(true);
      expect(read.attributes).toMatchObject({ kind: 'file', size, mode: 0o640, mtimeMs: MTIME_MS });
      expect(await namesIn(connection, directory)).toEqual(['f']);
    });

    test('the time for a sync is told where there was one', async () => {
      const { connection, pathOf } = await opened();
      const final = { size: 5, mode: 0o644, mtimeMs: MTIME_MS };
      const stage = async (syncs: boolean) =>
        (await connection.stageWhole(pathOf('f'), Buffer.from('bytes'), { ...final, syncs })).syncMs;
      expect(await stage(false)).toBeUndefined();
      if (connection.abilities.durable === 'synced') expect(await stage(true)).toBeGreaterThanOrEqual(0);
      else expect(await stage(true)).toBeUndefined();
    });

    test('one takes the place of another one, and may be read-only', async () => {
      const { connection, directory, pathOf } = await opened();
      await copy(connection, pathOf('f'), Buffer.from('old'));
      await copy(connection, pathOf('f'), Buffer.from('new one'), 0o444);
      expect(await connection.stat(pathOf('f'))).toMatchObject({ size: 7, mode: 0o444, mtimeMs: MTIME_MS });
      expect((await connection.readWhole(pathOf('f'), 7)).bytes.toString()).toBe('new one');
      await copy(connection, pathOf('f'), Buffer.from('newer'), 0o600);
      expect((await connection.readWhole(pathOf('f'), 5)).bytes.toString()).toBe('newer');
      expect(await namesIn(connection, directory)).toEqual(['f']);
    });

    test('200 at once on one connection, of all sizes', async () => {
      const { connection, directory, pathOf } = await opened();
      const source = sourceBytes(300_000);
      const files = Array.from({ length: 200 }, (_, n) => source.subarray(n * 4, n * 4 + n * 500));
      await Promise.all(files.map((bytes, n) => copy(connection, pathOf(`f${n}`), bytes)));
      const read = await Promise.all(files.map((bytes, n) => connection.readWhole(pathOf(`f${n}`), bytes.length)));
      for (const [n, bytes] of files.entries()) expect(read[n]!.bytes.equals(bytes)).toBe(true);
      expect(await namesIn(connection, directory)).toHaveLength(200);
    });

    test('where no file can be staged, the failure is of the destination, and the connection goes on', async () => {
      const { connection, directory, pathOf } = await opened();
      // The remote in memory has no directories that could be missing.
      if (connection.description.startsWith('memory') || directory === '/home') return;
      const staging = connection.stageWhole(pathOf('nothing/f'), Buffer.from('x'), { size: 1, syncs: true });
      await expect(staging).rejects.toMatchObject({ scope: 'file', exitCode: 4 });
      expect(await namesIn(connection, directory)).toEqual([]);
    });

    test('what is not as long as expected, is missing or no file is not read', async () => {
      const { connection, pathOf } = await opened();
      await copy(connection, pathOf('f'), Buffer.from('12345'));
      await connection.makeDirectory(pathOf('d'));
      const code = (name: string, size: number) =>
        connection.readWhole(pathOf(name), size).then(
          () => 'read',
          (error: { code: string }) => error.code,
        );
      expect(await Promise.all([code('f', 4), code('f', 0), code('f', 6), code('f', 100_000)])).toEqual(
        Array.from({ length: 4 }, () => 'source-changed'),
      );
      expect(await code('nothing', 5)).toBe('source-missing');
      expect(await code('d', 0)).toBe('source-unsupported');
      expect(await code('d', 4096)).toBe('source-unsupported');
      expect(await code('f', 5)).toBe('read');
    });
  });

  test.each(['nowhere/\xff', '../up', '/absolute/\xff', 'f'])('a link to %j is made, listed and read', async (text) => {
    const { connection, directory, pathOf } = await opened();
    await connection.makeLink(pathOf('link'), Buffer.from(text, 'latin1'));
    expect(Buffer.from(await connection.readLink(pathOf('link'))).toString('latin1')).toBe(text);
    expect((await connection.lstat(pathOf('link')))?.kind).toBe('link');
    for await (const batch of connection.list(Buffer.from(directory))) expect(batch[0]!.attributes.kind).toBe('link');
  });

  test('a link takes the place of nothing, and only a link can be read as one', async () => {
    const { connection, directory, pathOf } = await opened();
    const text = Buffer.from('x');
    await connection.makeLink(pathOf('link'), text);
    await copy(connection, pathOf('f'), Buffer.from('bytes'));
    for (const name of ['link', 'f']) {
      await expect(connection.makeLink(pathOf(name), text)).rejects.toMatchObject({ scope: 'file', exitCode: 4 });
    }
    // proftpd answers "unsupported".
    const code = expect.stringMatching(/^(source-unreadable|unsupported)$/);
    await expect(connection.readLink(pathOf('f'))).rejects.toMatchObject({ code, scope: 'file' });
    await expect(connection.readLink(pathOf('nothing'))).rejects.toMatchObject({ code: 'source-missing' });
    await connection.remove(pathOf('link'));
    expect(await namesIn(connection, directory)).toEqual(['f']);
  });

  test('a directory is made with a mode', async () => {
    const { connection, pathOf } = await opened();
    await connection.makeDirectory(pathOf('d'), 0o700);
    expect(await connection.lstat(pathOf('d'))).toMatchObject({ kind: 'directory', mode: 0o700 });
  });

  test('3,000 names are listed, each once', async () => {
    const { connection, directory, pathOf } = await opened();
    const names = Array.from({ length: 3000 }, (_, n) => `a-name-of-usual-length-${n}`).sort();
    for (let n = 0; n < names.length; n += 500) {
      await Promise.all(names.slice(n, n + 500).map((name) => connection.makeLink(pathOf(name), Buffer.from('x'))));
    }
    expect(await namesIn(connection, directory)).toEqual(names);
  });
}
