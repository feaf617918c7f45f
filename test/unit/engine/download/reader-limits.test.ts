import { expect, test } from 'vitest';
import { ReaderLimits } from '../../../../src/engine/download/reader-limits.ts';
import { CopyError } from '../../../../src/errors.ts';
import { waitFor } from '../../../support/wait-for.ts';

/** A server on which so many files may be open, of which `secret` may not be read. */
function sceneOf(most: number, graceMs = 60_000) {
  const open = new Set<number>();
  const tries: number[] = [];
  const events: unknown[] = [];
  const ending = new AbortController();
  const report = { emit: (event: object) => void events.push(event) };
  const limits = new ReaderLimits({ retryForMs: 60_000, graceMs, report, signal: ending.signal });
  const refusal = () => new CopyError('source-unreadable', 'The server refused to open it.');
  return {
    open,
    tries,
    events,
    ending,
    limits,
    begin: (job: number, { secret = false, isAgain = false } = {}) =>
      limits.open(job, isAgain, async () => {
        tries.push(job);
        if (secret || open.size >= most) throw refusal();
        open.add(job);
      }),
    end: (job: number) => {
      open.delete(job);
      limits.onEnded(job);
    },
  };
}

test('a file waits until another one is closed, and the user is told once', async () => {
  const scene = sceneOf(1);
  await scene.begin(1);
  const waiting = [scene.begin(2), scene.begin(3)];
  await waitFor(() => scene.tries.filter((job) => job === 2).length > 2, { what: 'tries' });
  expect([...scene.open]).toEqual([1]);
  scene.end(1);
  await waiting[0];
  scene.end(2);
  await waiting[1];
  expect(scene.events).toMatchObject([{ level: 'detail', code: 'few-readers' }]);
});

test('the server may notice late that a connection was lost', async () => {
  const scene = sceneOf(1, 150);
  await scene.begin(1);
  scene.limits.onEnded(1);
  const again = scene.begin(1, { isAgain: true });
  await waitFor(() => scene.tries.length > 3, { what: 'tries' });
  scene.open.delete(1);
  await again;
});

test('the first refusal is final where nothing else is read', async () => {
  const scene = sceneOf(9);
  await expect(scene.begin(1, { secret: true })).rejects.toMatchObject({ code: 'source-unreadable' });
  expect(scene.tries.length).toBeLessThanOrEqual(2);
});

test('a file that may never be read fails when the others have ended, and the next one at once', async () => {
  const scene = sceneOf(9, 150);
  await scene.begin(1);
  const secret = scene.begin(2, { secret: true });
  await waitFor(() => scene.tries.length > 2, { what: 'tries' });
  scene.end(1);
  await expect(secret).rejects.toMatchObject({ code: 'source-unreadable' });
  await scene.begin(3);
  const tries = scene.tries.length;
  await expect(scene.begin(4, { secret: true })).rejects.toMatchObject({ code: 'source-unreadable' });
  expect(scene.tries.length).toBe(tries + 1);
  expect(scene.events).toEqual([]);
});

test('where the server limits reads, a file that may never be read does not hold up the others', async () => {
  const scene = sceneOf(1, 150);
  await scene.begin(1);
  const waiting = scene.begin(2);
  scene.end(1);
  await waiting;
  const secret = scene.begin(3, { secret: true });
  scene.end(2);
  await expect(secret).rejects.toMatchObject({ code: 'source-unreadable' });
  await scene.begin(4);
});

test('files that are opened at the same moment do not refuse each other for ever', async () => {
  const scene = sceneOf(9, 150);
  await scene.begin(1);
  const secrets = [scene.begin(2, { secret: true }), scene.begin(3, { secret: true })];
  scene.end(1);
  expect((await Promise.allSettled(secrets)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test('the end of the run ends the waiting', async () => {
  const scene = sceneOf(1);
  await scene.begin(1);
  const waiting = scene.begin(2);
  scene.ending.abort(new CopyError('cancelled', 'Stopped.'));
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
});
