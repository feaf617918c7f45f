import { expect, test } from 'vitest';
import type { RunnerCommand } from '../../../../src/engine/runner/piece-runner.ts';
import { StagedHolders } from '../../../../src/engine/upload/staged-holders.ts';
import { CopyError } from '../../../../src/errors.ts';

const token = { stage: '/f' };

/** A file that connection 1 staged, and that 2 and 3 have open too. */
function scene() {
  const posted: RunnerCommand[] = [];
  const open = new Set([1, 2, 3]);
  const runner = {
    post: (command: RunnerCommand) => void posted.push(command),
    local: { holds: (id: number) => open.has(id) },
  };
  const holders = new StagedHolders(7, runner);
  holders.setOwner(1, token);
  holders.add(2);
  holders.add(3);
  return { holders, posted, open };
}

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test('every CLOSE is awaited, and a connection that stays is not told to leave', async () => {
  const { holders, posted } = scene();
  const leaving = holders.leave(1);
  expect(posted).toEqual([2, 3].map((connection) => ({ kind: 'leave', job: 7, connection, of: token })));
  holders.onLeft(2, undefined);
  expect(await isSettled(leaving)).toBe(false);
  holders.onLeft(3, undefined);
  expect(await isSettled(leaving)).toBe(true);
  const last = holders.leave();
  expect(posted.slice(2)).toEqual([{ kind: 'leave', job: 7, connection: 1, of: token }]);
  holders.onLeft(1, undefined);
  await last;
});

test('a failure that the server reports on CLOSE is a failure; the loss of the connection is none', async () => {
  const { holders } = scene();
  const leaving = holders.leave(1);
  holders.onLeft(2, new CopyError('connection-lost', 'gone'));
  holders.onConnectionLost(2);
  holders.onLeft(3, new CopyError('no-space', 'The disk is full.'));
  await expect(leaving).rejects.toMatchObject({ code: 'no-space' });
});

test('a connection that is lost while it closes the file is not waited for', async () => {
  const { holders } = scene();
  const leaving = holders.leave(1);
  holders.onLeft(2, undefined);
  holders.onConnectionLost(3);
  await leaving;
});

test('a connection counts as a lost holder only while it may have the file open', () => {
  const { holders } = scene();
  holders.onConnectionLost(4);
  expect(holders.hasLostOne).toBe(false);
  holders.onConnectionLost(3);
  expect(holders.hasLostOne).toBe(true);
});

test('the owner is the local holder as long as it has the file open', () => {
  const { holders, open } = scene();
  expect([holders.isOwnerHolding, holders.localHolder]).toEqual([true, 1]);
  open.delete(1);
  expect([holders.isOwnerHolding, holders.localHolder]).toEqual([false, 2]);
  open.clear();
  expect(holders.localHolder).toBeUndefined();
});

test('before the file is staged nobody holds it, and there is nothing to leave', async () => {
  const holders = new StagedHolders(7, { post: () => expect.unreachable(), local: { holds: () => true } });
  expect([holders.token, holders.isOwnerHolding, holders.localHolder]).toEqual([undefined, false, undefined]);
  await holders.leave();
});
