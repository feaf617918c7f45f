import { expect, test } from 'vitest';
import type { ConnectionAccess } from '../../../../src/engine/connections/connection-access.ts';
import type { SourceFile } from '../../../../src/engine/local/local-files.ts';
import { Upload } from '../../../../src/engine/upload/upload.ts';
import { CopyError } from '../../../../src/errors.ts';
import { MemoryRemote } from '../../../support/memory-remote.ts';

const source = (name: string): SourceFile => ({
  path: Buffer.from(`/here/${name}`),
  name: Buffer.from(name.split('/').at(-1)!),
  size: 10,
  isStream: false,
});

async function scene(names: readonly string[]) {
  const remote = await new MemoryRemote().connect(1, new AbortController().signal, () => {});
  const looks = { begun: 0, underWay: 0, most: 0 };
  /** Fails instead of the next look. */
  const failures: CopyError[] = [];
  const access = {
    withConnection: async (work: (connection: number, there: typeof remote) => Promise<unknown>) => {
      looks.begun++;
      looks.most = Math.max(looks.most, ++looks.underWay);
      try {
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
        return await work(1, remote);
      } finally {
        looks.underWay--;
      }
    },
  } as unknown as ConnectionAccess;
  const destination = Buffer.alloc(0);
  const sources = { files: names.map(source), failures: [] };
  const upload = new Upload(sources, { destination, inplace: false, preserve: true });
  const prepared = await upload.prepare(access);
  return { upload, access, looks, failures, prepared };
}

test('targets are looked up ahead, many at a time, and no more than that', async () => {
  const { upload, access, looks, prepared } = await scene(Array.from({ length: 100 }, (_, index) => `f${index}`));
  expect(prepared.known).toEqual({ files: 100, bytes: 1000, streams: 0 });
  const before = looks.begun;
  const planned: string[] = [];
  for await (const file of upload.files(access)) {
    planned.push(file.paths.target);
    expect(looks.begun - before - planned.length, 'ahead').toBeLessThan(32);
  }
  expect(looks.most).toBe(32);
  expect(planned).toEqual(Array.from({ length: 100 }, (_, index) => `/home/f${index}`));
});

test('two sources do not get the same target', async () => {
  const { upload, access } = await scene(['a/f', 'g', 'b/f']);
  const planned = [];
  for await (const file of upload.files(access)) planned.push('error' in file ? file.error.message : file.paths.target);
  expect(planned).toEqual(['/home/f', '/home/g', '/here/a/f and /here/b/f would become the same file.']);
});

test('a source without a target fails alone, and what ends the run ends the planning', async () => {
  const { upload, access, failures } = await scene(['e', 'f', 'g']);
  failures.push(new CopyError('destination-refused', 'No.'));
  const planned = [];
  for await (const file of upload.files(access)) planned.push('error' in file ? file.error.code : file.paths.target);
  expect(planned).toEqual(['destination-refused', '/home/f', '/home/g']);
  failures.push(new CopyError('cancelled', 'Stopped.'));
  await expect(upload.files(access).next()).rejects.toMatchObject({ code: 'cancelled' });
});
