import { expect, test } from 'vitest';
import { examineFailure, type FailedUpload } from '../../../../../src/engine/upload/failures/examine-failure.ts';
import { CopyError } from '../../../../../src/errors.ts';

const SIZE = 1_000_000;
const wrong = new CopyError('integrity', '65536 bytes at 0 are wrong on the server, however often they are sent.');

const job: FailedUpload = {
  target: Buffer.from('/x'),
  token: { stage: '/x' },
  isContinuable: true,
  size: SIZE,
  bytesThere: 900_000,
  inplace: true,
  partial: 'left',
  oldSize: SIZE,
  keptWithin: () => 0,
};

/** Nobody can look where `size` is undefined. */
function examined(size: number | undefined, more: Partial<FailedUpload> = {}) {
  const remote = { stat: async () => ({ kind: 'file', size }), discard: async () => {}, examine: async () => ({}) };
  const withAnyOpen = async (work: (remote: object) => Promise<unknown>) =>
    size === undefined ? undefined : work(remote);
  return examineFailure({ withAnyOpen } as never, { ...job, ...more }, wrong);
}

test('what is wrong in place, and too short to be ours, was replaced by somebody else', async () => {
  const { failure } = await examined(10);
  expect(failure).toMatchObject({ code: 'target-busy', exitCode: 12, message: expect.stringContaining('/x') });
});

test.each([[SIZE], [undefined]])('what is wrong in place may come from another program: %s bytes', async (size) => {
  const { failure } = await examined(size);
  expect(failure).toMatchObject({ code: 'integrity', message: wrong.message });
  expect(failure.advice).toMatch(/no other program writes into \/x/);
});

test('elsewhere nobody else can have written it', async () => {
  const { failure } = await examined(10, { inplace: false });
  expect(failure).toBe(wrong);
});

test.each([
  ['integrity', { partial: 'known' }, true],
  ['source-changed', { partial: 'left', isContinuable: false }, true],
  ['local-io', { partial: 'left', isContinuable: false }, true],
  ['source-changed', { partial: 'left' }, false],
  ['source-changed', { partial: 'known' }, false],
  ['integrity', { inplace: true }, false],
] as const)('after %s with %o, the partial file is removed: %s', async (code, more, isRemoved) => {
  const discarded: unknown[] = [];
  const remote = {
    stat: async () => ({ kind: 'file', size: SIZE }),
    discard: async (token: unknown) => void discarded.push(token),
    examine: async () => ({ staged: { path: Buffer.from('/x'), at: 'missing' } }),
  };
  const access = { withAnyOpen: async (work: (remote: object) => Promise<unknown>) => work(remote) };
  await examineFailure(access as never, { ...job, inplace: false, ...more }, new CopyError(code, 'It failed.'));
  expect(discarded).toEqual(isRemoved ? [job.token] : []);
});
