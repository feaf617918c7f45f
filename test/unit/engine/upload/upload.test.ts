import { expect, test } from 'vitest';
import type { ConnectionAccess } from '../../../../src/engine/connections/connection-access.ts';
import type { SourceFile } from '../../../../src/engine/local/local-files.ts';
import type { JobServices, PlanSink } from '../../../../src/engine/transfer/direction.ts';
import { Upload } from '../../../../src/engine/upload/upload.ts';
import type { PlannedUpload } from '../../../../src/engine/upload/upload-plan.ts';
import { CopyError } from '../../../../src/errors.ts';
import { MemoryRemote } from '../../../support/memory-remote.ts';
import { COPY_ALL } from '../../../support/tree-options.ts';

const source = (name: string): SourceFile => ({
  path: Buffer.from(`/here/${name}`),
  name: Buffer.from(name.split('/').at(-1)!),
  size: 10,
  isStream: false,
  attributes: { kind: 'file', size: 10 },
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
  const sources = { files: names.map(source), directories: [], failures: [] };
  const upload = new Upload(sources, { destination, inplace: false, preserve: true, trees: COPY_ALL });
  const prepared = await upload.prepare(access);
  /** The targets, or what is wrong with them. */
  const plan = async (onPlanned: () => void = () => {}): Promise<string[]> => {
    const planned: string[] = [];
    const sink: PlanSink<PlannedUpload> = {
      add: async (file) => {
        planned.push(file.paths.target);
        onPlanned();
      },
      fail: ({ error }) => planned.push(error.code === 'usage' ? error.message : error.code),
      skip: () => {},
      made: () => {},
      wouldRemove: () => {},
    };
    await upload.plan({ access } as JobServices, sink);
    return planned;
  };
  return { looks, failures, prepared, plan };
}

test('targets are looked up ahead, many at a time, and no more than that', async () => {
  const { plan, looks, prepared } = await scene(Array.from({ length: 100 }, (_, index) => `f${index}`));
  expect(prepared.known).toEqual({ files: 100, bytes: 1000, streams: 0 });
  const before = looks.begun;
  let count = 0;
  const planned = await plan(() => {
    count++;
    expect(looks.begun - before - count, 'ahead').toBeLessThan(32);
  });
  expect(looks.most).toBe(32);
  expect(planned).toEqual(Array.from({ length: 100 }, (_, index) => `/home/f${index}`));
});

test('two sources do not get the same target', async () => {
  const { plan } = await scene(['a/f', 'g', 'b/f']);
  expect(await plan()).toEqual(['/home/f', '/home/g', '/here/a/f and /here/b/f would become the same file.']);
});

test('a source without a target fails alone, and what ends the run ends the planning', async () => {
  const { plan, failures } = await scene(['e', 'f', 'g']);
  failures.push(new CopyError('destination-refused', 'No.'));
  expect(await plan()).toEqual(['destination-refused', '/home/f', '/home/g']);
  failures.push(new CopyError('cancelled', 'Stopped.'));
  await expect(plan()).rejects.toMatchObject({ code: 'cancelled' });
});
