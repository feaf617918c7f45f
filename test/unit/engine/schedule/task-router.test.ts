import { expect, test } from 'vitest';
import type { RunnerCommand } from '../../../../src/engine/runner/piece-runner.ts';
import { Scheduler } from '../../../../src/engine/schedule/scheduler.ts';
import { type TaskOwner, TaskRouter } from '../../../../src/engine/schedule/task-router.ts';
import type { CopyError } from '../../../../src/errors.ts';

const KIB = 1024;
const SIZE = 64 * KIB;

function scene() {
  const posted: RunnerCommand[] = [];
  const told: unknown[] = [];
  const over = new AbortController();
  const scheduler = new Scheduler(() => 0);
  const router = new TaskRouter({
    scheduler,
    runner: { post: (command) => void posted.push(command) },
    signal: over.signal,
    onProgress: (connection) => void told.push(['progress', connection]),
    onEnded: (connection) => void told.push(['ended', connection]),
  });
  const owner = (name: string): TaskOwner => ({
    command: (task, connection, range) => ({
      kind: 'receive',
      task,
      connection,
      fd: 7,
      from: Buffer.from(name),
      range,
    }),
    onAcknowledged: (parts) => void told.push([name, 'acknowledged', parts]),
    onHashed: ({ algorithm }) => void told.push([name, 'hashed', algorithm]),
    onTaskEnded: (connection, error: CopyError | undefined) => void told.push([name, 'ended', connection, error?.code]),
  });
  const addFile = (file: number, only?: number): void => {
    router.add(file, owner(`file ${file}`));
    scheduler.addFile(file, SIZE, SIZE, { only });
  };
  return { router, scheduler, posted, told, over, addFile };
}

test('the file job makes the commands of its tasks, and hears of them alone', () => {
  const { router, scheduler, posted, told, addFile } = scene();
  addFile(1, 1);
  addFile(2, 2);
  scheduler.addConnection(1);
  scheduler.addConnection(2);
  router.dispatch();
  expect(posted).toMatchObject([
    { kind: 'receive', task: 1, connection: 1, from: Buffer.from('file 1'), range: { offset: 0, length: SIZE } },
    { kind: 'receive', task: 2, connection: 2, from: Buffer.from('file 2'), range: { offset: 0, length: SIZE } },
  ]);
  const parts = [{ offset: 0, length: KIB }];
  expect(router.report({ kind: 'progress', task: 2, acknowledged: parts })).toBe(true);
  expect(scheduler.ledger(2)!.bytesAcknowledged).toBe(KIB);
  router.report({ kind: 'hashed', task: 1, algorithm: 'sha256', pieces: [] });
  const error = { code: 'connection-lost', message: 'Lost.' } as CopyError;
  router.report({ kind: 'ended', task: 1, error });
  expect(told).toEqual([
    ['file 2', 'acknowledged', parts],
    ['progress', 2],
    ['file 1', 'hashed', 'sha256'],
    ['file 1', 'ended', 1, 'connection-lost'],
    ['ended', 1],
  ]);
});

test('a connection gets its next range when nothing is left to take of the last one', () => {
  const { router, scheduler, posted, addFile } = scene();
  addFile(1);
  addFile(2);
  scheduler.addConnection(1);
  router.dispatch();
  router.dispatch();
  expect(posted).toHaveLength(1);
  router.report({ kind: 'taken', task: 1 });
  expect(posted).toHaveLength(2);
  expect(posted[1]).toMatchObject({ task: 2, from: Buffer.from('file 2') });
});

test('a connection that is retired gives back what it has not taken', () => {
  const { router, scheduler, posted, addFile } = scene();
  addFile(1);
  scheduler.addConnection(1);
  router.dispatch();
  router.retire(1);
  expect(posted[1]).toEqual({ kind: 'shorten', task: 1, length: 0 });
  scheduler.addConnection(2);
  router.report({ kind: 'shortened', task: 1, length: 0 });
  expect(posted[2]).toMatchObject({ task: 2, connection: 2, range: { offset: 0, length: SIZE } });
});

test('nothing is handed out when the run is over', () => {
  const { router, scheduler, posted, over, addFile } = scene();
  addFile(1);
  scheduler.addConnection(1);
  over.abort();
  router.dispatch();
  expect(posted).toEqual([]);
});

test('reports of tasks that are not known change nothing, and others are left to others', () => {
  const { router, told } = scene();
  router.report({ kind: 'progress', task: 9, acknowledged: [{ offset: 0, length: 1 }] });
  router.report({ kind: 'hashed', task: 9, algorithm: 'sha256', pieces: [] });
  router.report({ kind: 'ended', task: 9 });
  expect(told).toEqual([['progress', undefined]]);
  expect(router.report({ kind: 'answered', connection: 1 })).toBe(false);
});
