import { expect, test } from 'vitest';
import { probeSocket } from '../../../../src/engine/lock/name-sockets.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';

/** Longer than a look waits for an answer. */
const HELD_UP_MS = 700;

function holdUp(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, HELD_UP_MS);
}

test('where this process gets no time meanwhile, what is not there is not taken for somebody else', async () => {
  const dir = await tempDirForTest();
  const answer = probeSocket(dir.file('nobody'));
  holdUp();
  expect(await answer).toBe('missing');
});
