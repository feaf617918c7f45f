import { expect, test } from 'vitest';
import { type Order, Scheduler } from '../../../../src/engine/schedule/scheduler.ts';
import { JobLedger } from '../../../../src/engine/transfer/job-ledger.ts';
import type { Range } from '../../../../src/remotes/remote.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const PIECE = 64 * KIB;

type Send = Extract<Order, { kind: 'send' }>;

function make(connections: number, rates: Record<number, number> = {}) {
  const scheduler = new Scheduler((connection) => rates[connection] ?? 0);
  for (let connection = 1; connection <= connections; connection++) scheduler.addConnection(connection);
  return scheduler;
}

function sends(orders: readonly Order[]): Send[] {
  return orders.filter((order): order is Send => order.kind === 'send');
}

/** A connection sends a whole task. */
function complete(scheduler: Scheduler, { task, range }: Send): void {
  scheduler.taken(task);
  scheduler.acknowledged(task, [range]);
  scheduler.ended(task);
}

function bytes(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { length }) => sum + length, 0);
}

test('every idle connection gets a range, lowest first, none twice', () => {
  const scheduler = make(4);
  scheduler.addFile(1, 100 * MIB + 1, 4 * MIB);
  const orders = sends(scheduler.orders());
  expect(new Set(orders.map(({ connection }) => connection))).toEqual(new Set([1, 2, 3, 4]));
  let next = 0;
  for (const { range } of orders) {
    expect(range.offset).toBe(next);
    next += range.length;
  }
  expect(scheduler.orders(), 'everybody has something to do').toEqual([]);
});

test('a range is worth two seconds of its connection, in whole pieces where that is possible', () => {
  const scheduler = make(4, { 1: 4 * MIB, 2: 2.2 * MIB, 3: 100 * KIB, 4: 1 });
  scheduler.addFile(1, 1024 * MIB, 4 * MIB);
  expect(sends(scheduler.orders()).map(({ connection, range }) => [connection, range])).toEqual([
    [1, { offset: 0, length: 8 * MIB }],
    [2, { offset: 8 * MIB, length: 4 * MIB }],
    [3, { offset: 12 * MIB, length: 192 * KIB }],
    [4, { offset: 12 * MIB + 192 * KIB, length: 64 * KIB }],
  ]);
});

test('no range is shorter than the smallest cut of the remote, at first and after a cut, but for the end of the file', () => {
  const rates: Record<number, number> = {};
  const scheduler = make(4, rates);
  const size = 40 * MIB + 1;
  scheduler.addFile(1, size, 8 * MIB, { smallestCut: 8 * MIB });
  const first = sends(scheduler.orders());
  expect(first.map(({ range }) => range.length)).toEqual([8 * MIB, 8 * MIB, 8 * MIB, 8 * MIB]);
  for (const [index, send] of first.entries()) {
    rates[index + 1] = KIB;
    complete(scheduler, send);
  }
  scheduler.onRatesChanged();
  const second = sends(scheduler.orders());
  expect(second.map(({ range }) => range)).toEqual([
    { offset: 32 * MIB, length: 8 * MIB },
    { offset: 40 * MIB, length: 1 },
  ]);
  // A part of what is left of a range would be shorter, however slow its connection is.
  rates[3] = 1024 * MIB;
  scheduler.onRatesChanged();
  expect(scheduler.orders()).toEqual([]);
  scheduler.ended(second[0]!.task);
  expect(sends(scheduler.orders()).map(({ connection }) => connection)).toEqual([3]);
});

test('ranges are handed out in ascending order, at the end as well', () => {
  const scheduler = make(2, { 1: 10 * MIB, 2: 10 * MIB });
  scheduler.addFile(1, 1000 * MIB + 1, MIB);
  let next = 0;
  for (let given = sends(scheduler.orders()); given.length > 0; given = sends(scheduler.orders())) {
    for (const order of given) {
      expect(order.range.offset).toBe(next);
      next += order.range.length;
      complete(scheduler, order);
    }
  }
  expect(scheduler.ledger(1)!.isComplete).toBe(true);
});

test('as long as no rate is known, each range of a connection is eight times as long as the one before', () => {
  const rates: Record<number, number> = {};
  const scheduler = make(1, rates);
  scheduler.addFile(1, 1024 * MIB, 4 * MIB);
  const next = (): number => {
    const [order] = sends(scheduler.orders());
    complete(scheduler, order!);
    return order!.range.length / KIB;
  };
  expect([next(), next()]).toEqual([64, 512]);
  rates[1] = MIB;
  expect(next(), 'to the end of the piece').toBe(4096 - 576);
  // Another connection is taken for one like those that are known.
  scheduler.removeConnection(1);
  scheduler.addConnection(2);
  rates[2] = 0;
  rates[3] = 2 * MIB;
  scheduler.addConnection(3);
  expect(sends(scheduler.orders()).map(({ connection, range }) => [connection, range.length])).toEqual([
    [2, 4 * MIB],
    [3, 4 * MIB],
  ]);
});

test('a file of one piece is sent as a whole', () => {
  const scheduler = make(1);
  scheduler.addFile(1, 3 * MIB, 4 * MIB);
  expect(sends(scheduler.orders())[0]!.range).toEqual({ offset: 0, length: 3 * MIB });
});

test('a range is never longer than 64 MiB', () => {
  const scheduler = make(1, { 1: 1024 * MIB });
  scheduler.addFile(1, 1024 * 1024 * MIB, 256 * MIB);
  for (
    let order = sends(scheduler.orders())[0]!;
    order.range.offset < 1024 * MIB;
    order = sends(scheduler.orders())[0]!
  ) {
    expect(order.range.length).toBe(64 * MIB);
    complete(scheduler, order);
  }
});

test('an empty file is complete from the beginning and has nothing to send', () => {
  const scheduler = make(3);
  scheduler.addFile(1, 0, PIECE);
  expect(scheduler.ledger(1)!.isComplete).toBe(true);
  expect(scheduler.orders()).toEqual([]);
});

test('a connection gets its next range when the last byte is taken, not when it is acknowledged', () => {
  const scheduler = make(1);
  scheduler.addFile(1, 10 * PIECE, PIECE);
  const [first] = sends(scheduler.orders());
  scheduler.acknowledged(first!.task, [{ ...first!.range, length: 1000 }]);
  expect(scheduler.orders()).toEqual([]);
  scheduler.taken(first!.task);
  const [second] = sends(scheduler.orders());
  expect(second!.range.offset).toBe(first!.range.length);
  expect(scheduler.tasks()).toHaveLength(2);
});

test('when nothing is left to hand out, the task that would end last is cut, and the rest goes to the idle one', () => {
  const scheduler = make(2, { 1: 100, 2: 100 });
  scheduler.addFile(1, 64 * PIECE, 64 * PIECE);
  const given = scheduler.orders();
  const [first] = sends(given);
  expect(first!.range.length).toBe(64 * PIECE);
  const { connection } = first!;
  expect(given[1]).toEqual({ kind: 'shorten', task: first!.task, length: 32 * PIECE });
  expect(scheduler.orders(), 'one cut at a time for one idle connection').toEqual([]);
  // It had gone on meanwhile.
  scheduler.shortened(first!.task, 40 * PIECE);
  const orders = sends(scheduler.orders());
  expect(orders).toEqual([expect.objectContaining({ range: { offset: 40 * PIECE, length: 24 * PIECE } })]);
  expect(orders[0]!.connection).not.toBe(connection);
});

test('a cut is shared by what both connections are worth', () => {
  const rates = { 1: 300, 2: 100 };
  const scheduler = make(2, rates);
  scheduler.addFile(1, 64 * PIECE, 64 * PIECE);
  expect(scheduler.orders()).toEqual([
    // The fastest first.
    expect.objectContaining({ kind: 'send', connection: 1 }),
    expect.objectContaining({ kind: 'shorten', length: 48 * PIECE }),
  ]);
});

test('a hopeless connection loses all it has not taken, and does not get it back', () => {
  const rates: Record<number, number> = { 1: 1 };
  const scheduler = make(1, rates);
  scheduler.addFile(1, 4 * PIECE, 4 * PIECE);
  const [first] = sends(scheduler.orders());
  rates[2] = 1000;
  scheduler.addConnection(2);
  expect(scheduler.orders()).toEqual([{ kind: 'shorten', task: first!.task, length: 0 }]);
  scheduler.shortened(first!.task, 0);
  scheduler.ended(first!.task);
  const orders = sends(scheduler.orders());
  expect(orders.map(({ connection }) => connection)).toEqual([2]);
  expect(orders[0]!.range).toEqual({ offset: 0, length: 4 * PIECE });
});

test('of two that are worth the same, a cut leaves the one that works at least 64 KiB, and is not made for less', () => {
  const scheduler = make(2, { 1: 100, 2: 100 });
  scheduler.addFile(1, 2 * PIECE - 1, 4 * PIECE);
  expect(sends(scheduler.orders())).toHaveLength(1);
  expect(scheduler.orders()).toEqual([]);
});

test('a task whose cut gave nothing is not asked again', () => {
  const scheduler = make(2, { 1: 100, 2: 100 });
  scheduler.addFile(1, 64 * PIECE, 64 * PIECE);
  const given = scheduler.orders();
  expect(given.map(({ kind }) => kind)).toEqual(['send', 'shorten']);
  const [first] = sends(given);
  scheduler.shortened(first!.task, 64 * PIECE);
  expect(scheduler.orders()).toEqual([]);
});

test('an unknown rate counts as the average of the known ones', () => {
  const scheduler = make(3, { 1: 100, 3: 300 });
  scheduler.addFile(1, 64 * PIECE, 64 * PIECE);
  const given = scheduler.orders();
  expect(given[0]).toMatchObject({ kind: 'send', connection: 3 });
  // Connection 2 is taken for 200, and so comes before 1: two fifths of the work are its own.
  expect(given[1]).toEqual({ kind: 'shorten', task: 1, length: Math.floor(64 * 0.6) * PIECE });
});

test('a restricted file belongs to one connection, and nobody steals from it', () => {
  const scheduler = make(3, { 1: 50 * PIECE, 2: 50 * PIECE, 3: 50 * PIECE });
  scheduler.addFile(1, 100 * PIECE, PIECE, { only: 2 });
  expect(scheduler.orders()).toEqual([
    expect.objectContaining({ kind: 'send', connection: 2, range: { offset: 0, length: 100 * PIECE } }),
  ]);
  expect(scheduler.orders()).toEqual([]);
  expect(scheduler.tasks()[0]!.isShared).toBe(false);
  scheduler.restrict(1, undefined);
  expect(scheduler.orders()).toContainEqual(expect.objectContaining({ kind: 'shorten' }));
});

test('a retired connection gives back what it has not taken and gets nothing more', () => {
  const scheduler = make(2);
  scheduler.addFile(1, 100 * PIECE, PIECE);
  const [a] = sends(scheduler.orders());
  expect(scheduler.retire(1)).toEqual([{ kind: 'shorten', task: a!.task, length: 0 }]);
  scheduler.shortened(a!.task, PIECE);
  scheduler.taken(a!.task);
  expect(scheduler.isWorking(1)).toBe(true);
  expect(scheduler.orders()).toEqual([]);
  scheduler.acknowledged(a!.task, [{ offset: a!.range.offset, length: PIECE }]);
  scheduler.ended(a!.task);
  expect(scheduler.isWorking(1)).toBe(false);
  expect(scheduler.idle()).toEqual([]);
  expect(scheduler.ledger(1)!.toDo.total).toBeGreaterThan(0);
  expect(scheduler.retire(1)).toEqual([]);
});

test('a paused file hands nothing out and takes back what is not taken; resumed, it goes on', () => {
  const scheduler = make(2);
  scheduler.addFile(1, 100 * PIECE, PIECE);
  const [a, b] = sends(scheduler.orders());
  scheduler.taken(b!.task);
  expect(scheduler.pause(1, 'drain')).toEqual([{ kind: 'shorten', task: a!.task, length: 0 }]);
  scheduler.shortened(a!.task, PIECE);
  scheduler.taken(a!.task);
  expect(scheduler.orders()).toEqual([]);
  for (const { task } of [a!, b!]) scheduler.ended(task);
  expect(scheduler.hasTasks(1)).toBe(false);
  expect(scheduler.orders()).toEqual([]);
  scheduler.resume(1, 'drain');
  // Nothing had been acknowledged.
  expect(sends(scheduler.orders())[0]!.range.offset).toBe(0);
});

test('a file that is paused for two reasons is resumed for both', () => {
  const scheduler = make(1);
  scheduler.addFile(1, 100 * PIECE, PIECE);
  for (const reason of ['drain', 'search', 'drain'] as const) scheduler.pause(1, reason);
  scheduler.resume(1, 'drain');
  expect(scheduler.orders()).toEqual([]);
  scheduler.resume(1, 'search');
  expect(sends(scheduler.orders())).toHaveLength(1);
});

test('what an ended task did not get acknowledged is handed out again, and nothing else', () => {
  const scheduler = make(1);
  scheduler.addFile(1, 4 * PIECE, 4 * PIECE);
  const [first] = sends(scheduler.orders());
  scheduler.acknowledged(first!.task, [{ offset: PIECE, length: PIECE }]);
  scheduler.ended(first!.task);
  expect([...scheduler.ledger(1)!.toDo]).toEqual([
    { offset: 0, length: PIECE },
    { offset: 2 * PIECE, length: 2 * PIECE },
  ]);
  for (let order = sends(scheduler.orders())[0]; order !== undefined; order = sends(scheduler.orders())[0]) {
    complete(scheduler, order);
  }
  expect(scheduler.ledger(1)!.isComplete).toBe(true);
});

test('a connection that was removed gets nothing, and its rest goes to the others', () => {
  const scheduler = make(2);
  scheduler.addFile(1, 8 * PIECE, PIECE);
  const orders = sends(scheduler.orders());
  const gone = orders.find(({ connection }) => connection === 2)!;
  // The engine knows that it is being hung up before its task has ended.
  scheduler.removeConnection(2);
  scheduler.ended(gone.task);
  complete(scheduler, orders.find(({ connection }) => connection === 1)!);
  const next = sends(scheduler.orders());
  expect(next.map(({ connection }) => connection)).toEqual([1]);
  expect(next[0]!.range.offset).toBe(gone.range.offset);
});

test('files come one after another: the next begins when all of the first is handed out', () => {
  const scheduler = make(3);
  scheduler.addFile(1, PIECE, PIECE);
  scheduler.addFile(2, 10 * PIECE, PIECE);
  const orders = sends(scheduler.orders());
  expect(orders.map(({ file }) => file)).toEqual([1, 2, 2]);
  expect(bytes(orders.filter(({ file }) => file === 1).map(({ range }) => range))).toBe(PIECE);
});

test('what was acknowledged outside of any task is not sent', () => {
  const scheduler = make(1);
  scheduler.addFile(1, 3 * PIECE, PIECE);
  scheduler.ledger(1)!.acknowledge({ offset: 0, length: PIECE });
  scheduler.ledger(1)!.acknowledge({ offset: 2 * PIECE, length: PIECE });
  expect(sends(scheduler.orders())[0]!.range).toEqual({ offset: PIECE, length: PIECE });
  expect(scheduler.ledger(1)!.bytesAcknowledged).toBe(2 * PIECE);
});

test('late reports on a file that was removed, or begun anew, change nothing', () => {
  const scheduler = make(1);
  scheduler.addFile(1, 4 * PIECE, 4 * PIECE);
  const [old] = sends(scheduler.orders());
  scheduler.removeFile(1);
  scheduler.addFile(1, 4 * PIECE, 4 * PIECE);
  scheduler.acknowledged(old!.task, [{ offset: 0, length: PIECE }]);
  scheduler.ended(old!.task);
  expect(scheduler.ledger(1)!.bytesAcknowledged).toBe(0);
  expect(sends(scheduler.orders())[0]!.range).toEqual({ offset: 0, length: 4 * PIECE });
});

test('reports on tasks that are unknown are passed over', () => {
  const scheduler = make(1);
  scheduler.taken(99);
  scheduler.shortened(99, 0);
  scheduler.acknowledged(99, [{ offset: 0, length: 1 }]);
  scheduler.ended(99);
  expect(scheduler.tasks()).toEqual([]);
  expect(scheduler.orders()).toEqual([]);
});

test('what is acknowledged is at risk until it is synced', () => {
  const scheduler = make(1);
  scheduler.addFile(1, 4 * PIECE, PIECE);
  expect([...scheduler.ledger(1)!.atRisk]).toEqual([]);
  scheduler.ledger(1)!.acknowledge({ offset: 0, length: PIECE });
  scheduler.ledger(1)!.acknowledge({ offset: 2 * PIECE, length: PIECE });
  const ranges = scheduler.ledger(1)!.atRisk;
  expect([...ranges]).toEqual([
    { offset: 0, length: PIECE },
    { offset: 2 * PIECE, length: PIECE },
  ]);
  // It comes while the server syncs, so it may have come too late for that.
  scheduler.ledger(1)!.acknowledge({ offset: PIECE, length: PIECE });
  expect(ranges.total, 'a copy').toBe(2 * PIECE);
  scheduler.ledger(1)!.synced(ranges);
  expect([...scheduler.ledger(1)!.atRisk]).toEqual([{ offset: PIECE, length: PIECE }]);
  expect(scheduler.ledger(1)!.bytesAcknowledged).toBe(3 * PIECE);
});

test('what was at risk when the server may have crashed is to hand out again, what was synced is not', () => {
  const scheduler = make(1);
  scheduler.addFile(1, 4 * PIECE, 4 * PIECE);
  const [first] = sends(scheduler.orders());
  scheduler.acknowledged(first!.task, [{ offset: 0, length: 2 * PIECE }]);
  scheduler.ledger(1)!.synced([{ offset: 0, length: PIECE }]);
  scheduler.acknowledged(first!.task, [{ offset: 2 * PIECE, length: 2 * PIECE }]);
  scheduler.taken(first!.task);
  scheduler.ended(first!.task);
  expect(scheduler.ledger(1)!.isComplete).toBe(true);
  expect(scheduler.ledger(1)!.distrust()).toBe(3 * PIECE);
  expect(scheduler.ledger(1)!.isComplete).toBe(false);
  expect(scheduler.ledger(1)!.bytesAcknowledged).toBe(PIECE);
  expect([...scheduler.ledger(1)!.atRisk]).toEqual([]);
  expect(scheduler.ledger(1)!.distrust(), 'once').toBe(0);
  const [again] = sends(scheduler.orders());
  expect(again!.range).toEqual({ offset: PIECE, length: 3 * PIECE });
  complete(scheduler, again!);
  expect(scheduler.ledger(1)!.isComplete).toBe(true);
});

test('distrust in the middle of a task: its acknowledged part goes out again, the rest is still its own', () => {
  const scheduler = make(1);
  scheduler.addFile(1, 4 * PIECE, 4 * PIECE);
  const [first] = sends(scheduler.orders());
  scheduler.acknowledged(first!.task, [{ offset: 0, length: PIECE }]);
  expect(scheduler.ledger(1)!.distrust()).toBe(PIECE);
  scheduler.taken(first!.task);
  const [again] = sends(scheduler.orders());
  expect(again!.range).toEqual({ offset: 0, length: PIECE });
  scheduler.acknowledged(first!.task, [{ offset: PIECE, length: 3 * PIECE }]);
  scheduler.ended(first!.task);
  expect(scheduler.ledger(1)!.isComplete).toBe(false);
  complete(scheduler, again!);
  expect(scheduler.ledger(1)!.isComplete).toBe(true);
});

test('files that are unknown have no ledger, and so are at no risk', () => {
  const scheduler = make(1);
  expect(scheduler.ledger(9)).toBeUndefined();
  const closed = new JobLedger(scheduler, 9, () => {});
  closed.synced([{ offset: 0, length: 1 }]);
  expect([closed.distrust(), closed.atRisk.total]).toEqual([0, 0]);
  expect([closed.isComplete, closed.bytesAcknowledged, closed.has({ offset: 0, length: 1 })]).toEqual([
    false,
    0,
    false,
  ]);
});

test('a thousand idle connections with nothing to do cost nothing, and one file goes to its own one', () => {
  let asked = 0;
  const scheduler = new Scheduler(() => {
    asked++;
    return MIB;
  });
  for (let connection = 1; connection <= 1000; connection++) scheduler.addConnection(connection);
  expect(scheduler.orders()).toEqual([]);
  asked = 0;
  expect(scheduler.orders()).toEqual([]);
  expect(asked, 'no rate is asked for').toBe(0);
  scheduler.addFile(1, 4096, PIECE, { only: 700 });
  expect(sends(scheduler.orders()).map(({ connection }) => connection)).toEqual([700]);
  expect(asked, 'those of the order alone').toBeLessThan(10);
});

test('rates that have changed decide who is the fastest and which task ends last, once the scheduler is told', () => {
  const rates: Record<number, number> = { 1: 100, 2: 300 };
  const scheduler = make(2, rates);
  scheduler.addFile(1, PIECE, PIECE);
  rates[1] = 500;
  scheduler.onRatesChanged();
  expect(sends(scheduler.orders()).map(({ connection }) => connection)).toEqual([1]);
});

test('a file that is begun anew keeps its place among the others', () => {
  const scheduler = make(1);
  scheduler.addFile(1, PIECE, PIECE);
  scheduler.addFile(2, PIECE, PIECE);
  scheduler.addFile(1, PIECE, PIECE);
  expect(sends(scheduler.orders()).map(({ file }) => file)).toEqual([1]);
});

test('a task of a file that now belongs to another connection is cut for that one', () => {
  const scheduler = make(2, { 1: 100, 2: 100 });
  scheduler.addFile(1, 64 * PIECE, 64 * PIECE, { only: 1 });
  const [first] = sends(scheduler.orders());
  scheduler.restrict(1, 2);
  expect(scheduler.orders()).toEqual([{ kind: 'shorten', task: first!.task, length: 32 * PIECE }]);
  expect(scheduler.orders()).toEqual([]);
});
