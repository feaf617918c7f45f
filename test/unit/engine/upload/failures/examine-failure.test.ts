import { expect, test } from 'vitest';
import { examineFailure, type FailedUpload } from '../../../../../src/engine/upload/failures/examine-failure.ts';
import { CopyError } from '../../../../../src/errors.ts';

const SIZE = 1_000_000;
const wrong = new CopyError('integrity', '65536 bytes at 0 are wrong on the server, however often they are sent.');

const job: FailedUpload = {
  target: Buffer.from('/x'),
  token: { stage: '/x' },
  size: SIZE,
  bytesThere: 900_000,
  inplace: true,
  partial: 'left',
  oldSize: SIZE,
  keptWithin: () => 0,
};

/** Nobody can look where `size` is undefined. */
function examined(size: number | undefined, more: Partial<FailedUpload> = {}) {
  const remote = { stat: async () => ({ kind: 'file', size }) };
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
