/** The states of a file job, with a direction that does nothing but what a job needs. */
import { expect, test } from 'vitest';
import { type Order, Scheduler } from '../../../../src/engine/schedule/scheduler.ts';
import type { JobServices } from '../../../../src/engine/transfer/direction.ts';
import { FileJob } from '../../../../src/engine/transfer/file-job.ts';
import type { FileTransfer, JobControl } from '../../../../src/engine/transfer/file-transfer.ts';
import { Interrupted } from '../../../../src/engine/transfer/interruption.ts';
import { CopyError } from '../../../../src/errors.ts';

const SIZE = 3 * 64 * 1024 + 5;
const PIECE = 64 * 1024;
const LOST = new CopyError('connection-lost', 'The connection was lost.');

interface Scene {
  readonly calls: string[];
  readonly notices: string[];
  readonly job: FileJob;
  readonly control: JobControl;
  readonly ending: AbortController;
  /** What the next task fails with; undefined: it transfers its range. */
  failure: CopyError | undefined;
}

/** `more`: what the direction does beside the least that it must. */
function scene(more: (it: Scene) => Partial<FileTransfer> = () => ({}), retryForMs = 60_000): Scene {
  const scheduler = new Scheduler(() => 0);
  scheduler.addConnection(1);
  const dispatcher = {
    dispatch: () => {
      for (const order of scheduler.orders()) dispatcher.carryOut(order);
    },
    carryOut: (order: Order) => {
      if (order.kind === 'shorten') return scheduler.shortened(order.task, Number.MAX_SAFE_INTEGER);
      it.job.command(order.task, order.connection, order.range);
      queueMicrotask(() => carry(order));
    },
  };
  const carry = ({ task, range }: Extract<Order, { kind: 'send' }>): void => {
    const { failure } = it;
    it.failure = undefined;
    if (failure === undefined) {
      scheduler.acknowledged(task, [range]);
      it.job.onAcknowledged([range]);
    }
    scheduler.ended(task);
    it.job.onTaskEnded(1, failure);
    dispatcher.dispatch();
  };
  const services = {
    options: { pieceSize: PIECE, verify: 'size', retryForMs },
    pool: { drop: (connection: number) => void calls.push(`drop ${connection}`) },
    scheduler,
    dispatcher,
    digests: {},
    continuity: {},
    report: { notice: (code: string) => void notices.push(code), emit: () => {} },
    signal: new AbortController().signal,
  } as unknown as JobServices;
  const calls: string[] = [];
  const notices: string[] = [];
  const ending = new AbortController();
  const it = { calls, notices, ending, failure: undefined } as unknown as { -readonly [K in keyof Scene]: Scene[K] };
  it.job = new FileJob(1, { ...services, signal: ending.signal }, (control) => {
    it.control = control;
    const least = {
      name: 'f',
      size: SIZE,
      local: {},
      sides: {},
      begin: async (attempt: number) => {
        calls.push(`begin ${attempt}`);
        return { pieceSize: PIECE, smallestCut: PIECE };
      },
      command: () => ({ kind: 'ask', connection: 1 }),
      checkUnchanged: async () => {},
      commit: async () => {
        calls.push('commit');
        return { bytes: SIZE, isSizeVerified: true };
      },
      abandon: () => void calls.push('abandon'),
      close: async () => void calls.push('close'),
    } as unknown as FileTransfer;
    return Object.assign(least, more(it));
  });
  return it;
}

/** A direction whose staged file survives an interruption. */
function continuing({ calls }: Scene, isKept = true): Partial<FileTransfer> {
  return {
    suspend: async () => {
      calls.push('suspend');
      return isKept;
    },
    continue: async () => void calls.push('continue'),
  };
}

/** Interrupts the transfer as soon as it begins, `times` times. */
function interrupting(it: Scene, times = 1): Partial<FileTransfer> {
  let left = times;
  return { onTransferring: () => left-- > 0 && it.control.interrupt(LOST) } as Partial<FileTransfer>;
}

test('a file is transferred, committed, and its files are closed', async () => {
  const { job, calls, notices } = scene();
  expect(await job.run()).toEqual({ bytes: SIZE, isSizeVerified: true, verified: { byDigest: 0, byReadBack: 0 } });
  expect(calls).toEqual(['begin 1', 'commit', 'abandon', 'close']);
  expect(notices).toEqual([]);
});

test('what a lost connection did not transfer is handed out again', async () => {
  const it = scene();
  it.failure = LOST;
  await it.job.run();
  expect(it.calls).toEqual(['begin 1', 'drop 1', 'commit', 'abandon', 'close']);
});

test('any other failure of a task is the failure of the file, and what is there is kept', async () => {
  const it = scene(({ calls }) => ({ beforeKeep: async () => void calls.push('keep') }));
  it.failure = new CopyError('no-space', 'The disk is full.');
  await expect(it.job.run()).rejects.toMatchObject({ code: 'no-space' });
  expect(it.calls).toEqual(['begin 1', 'keep', 'abandon', 'close']);
});

test('after an interruption the file continues where it was', async () => {
  const it = scene((one) => ({ ...continuing(one), ...interrupting(one) }));
  await it.job.run();
  expect(it.calls).toEqual(['begin 1', 'suspend', 'continue', 'commit', 'abandon', 'close']);
  expect(it.notices).toEqual([]);
});

test.each([
  ['the direction cannot continue', (it: Scene) => interrupting(it), ['begin 1', 'begin 2']],
  [
    'the far side kept nothing',
    (it: Scene) => ({ ...continuing(it, false), ...interrupting(it) }),
    ['begin 1', 'suspend', 'begin 2'],
  ],
])('where %s, it begins again, and the user is told', async (_, more, begun) => {
  const it = scene(more);
  await it.job.run();
  expect(it.calls).toEqual([...begun, 'commit', 'abandon', 'close']);
  expect(it.notices).toEqual(['started-over']);
});

test('where more of the file was found elsewhere, it begins again without a word', async () => {
  let isFirst = true;
  const it = scene((one) => ({
    onTransferring: () => {
      if (isFirst) one.control.beginAgain();
      isFirst = false;
    },
  }));
  await it.job.run();
  expect(it.calls).toEqual(['begin 1', 'begin 2', 'commit', 'abandon', 'close']);
  expect(it.notices).toEqual([]);
});

test('a commit that is interrupted is repeated after the file has continued', async () => {
  const failures = [new Interrupted(LOST)];
  const it = scene((one) => ({
    ...continuing(one),
    commit: async () => {
      one.calls.push('commit');
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return { bytes: SIZE, isSizeVerified: true };
    },
  }));
  await it.job.run();
  expect(it.calls).toEqual(['begin 1', 'commit', 'suspend', 'continue', 'commit', 'abandon', 'close']);
});

test('a failure that comes during an interruption ends the file when it would continue', async () => {
  const it = scene((one) => ({
    ...continuing(one),
    ...interrupting(one),
    continue: async () => one.control.fail(new CopyError('target-busy', 'Somebody else writes it.')),
  }));
  await expect(it.job.run()).rejects.toMatchObject({ code: 'target-busy' });
});

test('without progress for the time to retry the file fails with what interrupted it', async () => {
  const it = scene((one) => ({ ...continuing(one), ...interrupting(one, 5) }), 0);
  await expect(it.job.run()).rejects.toBe(LOST);
  expect(it.calls).toEqual(['begin 1', 'abandon', 'close']);
});

test('a run that has ended continues no file', async () => {
  const error = new CopyError('cancelled', 'Enough.');
  const it = scene((one) => ({
    ...continuing(one),
    onTransferring: () => {
      one.ending.abort(error);
      one.control.interrupt(LOST);
    },
  }));
  await expect(it.job.run()).rejects.toBe(error);
  expect(it.calls).toEqual(['begin 1', 'abandon', 'close']);
});
