import { open, writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { ForeignStages } from '../../../../../src/engine/upload/stages/foreign-stages.ts';
import type { StageServices } from '../../../../../src/engine/upload/stages/stage-adoption.ts';
import type { Drain, Slices, StageToken } from '../../../../../src/remotes/remote.ts';
import { deferred } from '../../../../../src/util/deferred.ts';
import { tempDirForTest } from '../../../../support/for-one-test.ts';
import { contents } from '../../../../support/upload-scene.ts';

const SIZE = 1024 * 1024;
const BYTES = contents(SIZE, 3);
const OWN = { stage: 'own' };
const OTHER = { stage: 'other' };
const COPY = { stage: 'copy' };

interface Looks {
  readonly mtimeMs: number;
  /** Gone after the directory was listed. */
  readonly isGone?: boolean;
}

/** A server on which another run has left something right; `looks`: what it looks like from the second look on. */
async function scene({ mtimeMs, isGone = false }: Looks, lookAgainMs = 200) {
  const path = (await tempDirForTest()).file('source');
  await writeFile(path, BYTES);
  const file = await open(path, 'r');
  onTestFinished(() => file.close());
  const calls: string[] = [];
  const copying = deferred<void>();
  const remote = {
    findStaged: async () => [
      { token: OTHER, path: Buffer.from('/other'), isCertain: true, attributes: { size: SIZE, mtimeMs: 1000 } },
    ],
    lookAt: async ({ stage }: StageToken) => {
      if (stage !== OTHER.stage) return { kind: 'file', size: SIZE, mtimeMs };
      // The second look is not over before the server copies: it has begun meanwhile.
      if (calls.includes('look')) await copying.promise;
      calls.push('look');
      return isGone ? undefined : { kind: 'file', size: SIZE, mtimeMs };
    },
    open: async () => ({
      read: async (slices: Slices, drain: Drain) => {
        for (let slice = await slices.take(SIZE); slice !== undefined; slice = await slices.take(SIZE)) {
          await drain([BYTES.subarray(slice.offset, slice.offset + slice.length)], slice.offset);
        }
      },
      close: async () => {},
    }),
    freeSpace: async () => undefined,
    drawStage: () => ({ token: COPY, path: Buffer.from('/copy') }),
    copyStaged: async () => {
      calls.push('copy');
      copying.resolve();
      return { warnings: [] };
    },
    discard: async ({ stage }: StageToken) => {
      calls.push(`discard ${String(stage)}`);
      return true;
    },
  };
  const services = {
    access: { withConnection: async (work: (connection: number, remote: object) => unknown) => work(1, remote) },
    report: { notice: () => {} },
  } as unknown as StageServices;
  const moved: StageToken[] = [];
  const failures: unknown[] = [];
  const job = {
    hold: () => {},
    release: () => {},
    moveTo: (token: StageToken) => moved.push(token),
    onFailed: (error: unknown) => failures.push(error),
  };
  const stages = new ForeignStages(services, { target: Buffer.from('/t'), fd: file.fd, size: SIZE, lookAgainMs }, job);
  await stages.consider({
    own: OWN,
    outdated: undefined,
    minLength: 64 * 1024,
    isEmpty: true,
    mayCopy: async () => true,
    keepOwn: async () => {},
    signal: new AbortController().signal,
  });
  return { calls, moved, failures };
}

test('the server copies while it is waited for whether somebody writes', async () => {
  const { calls, moved, failures } = await scene({ mtimeMs: 1000 });
  expect(failures).toEqual([]);
  expect(calls).toEqual(['look', 'copy', 'look']);
  expect(moved).toEqual([COPY]);
});

test('where somebody writes, the copy is removed and the run ends', async () => {
  const { calls, moved, failures } = await scene({ mtimeMs: 2000 });
  expect(failures).toEqual([expect.objectContaining({ code: 'target-busy' })]);
  expect(moved).toEqual([]);
  expect(calls).toEqual(['look', 'copy', 'look', 'discard copy']);
});

test('what was removed since the directory was listed is not waited for', async () => {
  const { calls, moved, failures } = await scene({ mtimeMs: 1000, isGone: true }, 3_600_000);
  expect(failures).toEqual([]);
  expect(moved).toEqual([]);
  expect(calls).toEqual(['look']);
});
