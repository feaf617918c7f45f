/** The scheduler alone: connections without bytes, in virtual time. */
import { type Order, Scheduler } from '../../../src/engine/schedule/scheduler.ts';
import { CONNECTIONS, PIECE_SIZE, rateOf, SMALL_FILE_BYTES, SMALL_FILES, TIB } from './engine-scene.ts';

type Send = Extract<Order, { kind: 'send' }>;

/** How often the first ranges are handed out. */
const STARTS = 100;
/** One step of virtual time. */
const STEP_SECONDS = 0.25;

/** What one connection carries: `end` is where its bytes end now. */
interface Carried {
  readonly order: Send;
  next: number;
  end: number;
  hasToldTaken: boolean;
}

function schedulerOf(connections: number, rate: (connection: number) => number): Scheduler {
  const scheduler = new Scheduler(rate);
  for (let connection = 1; connection <= connections; connection++) scheduler.addConnection(connection);
  return scheduler;
}

/** Every connection gets its first range, while no rate is known. */
export function firstRanges(): void {
  for (let start = 0; start < STARTS; start++) {
    const scheduler = schedulerOf(CONNECTIONS, () => 0);
    scheduler.addFile(1, TIB, PIECE_SIZE);
    if (scheduler.orders().length !== CONNECTIONS) throw new Error('Some connections got nothing');
  }
}

/** A file of 1 TiB from its first to its last byte. */
export function wholeFile(): void {
  const scheduler = schedulerOf(CONNECTIONS, rateOf);
  scheduler.addFile(1, TIB, PIECE_SIZE);
  const carried = new Map<number, Carried>();
  const dispatch = (): void => {
    for (const order of scheduler.orders()) carryOut(scheduler, carried, order);
  };
  dispatch();
  while (!scheduler.ledger(1)!.isComplete) {
    for (const one of [...carried.values()]) {
      advance(scheduler, carried, one, STEP_SECONDS * rateOf(one.order.connection));
      dispatch();
    }
  }
}

function carryOut(scheduler: Scheduler, carried: Map<number, Carried>, order: Order): void {
  if (order.kind === 'send') {
    const { offset, length } = order.range;
    carried.set(order.task, { order, next: offset, end: offset + length, hasToldTaken: false });
    return;
  }
  const one = carried.get(order.task);
  if (one === undefined) return;
  const { offset } = one.order.range;
  one.end = Math.max(one.next, Math.min(one.end, offset + order.length));
  scheduler.shortened(order.task, one.end - offset);
  tellTaken(scheduler, one);
}

function advance(scheduler: Scheduler, carried: Map<number, Carried>, one: Carried, bytes: number): void {
  const { task } = one.order;
  const length = Math.min(bytes, one.end - one.next);
  if (length > 0) scheduler.acknowledged(task, [{ offset: one.next, length }]);
  one.next += length;
  tellTaken(scheduler, one);
  if (one.next < one.end) return;
  carried.delete(task);
  scheduler.ended(task);
}

function tellTaken(scheduler: Scheduler, one: Carried): void {
  if (one.hasToldTaken || one.next < one.end) return;
  one.hasToldTaken = true;
  scheduler.taken(one.order.task);
}

/**
 * Small files, of which twice as many as connections are begun at a time, each with one connection that may send it.
 */
export function smallFiles(): void {
  const scheduler = schedulerOf(CONNECTIONS, rateOf);
  let begun = 0;
  const begin = (): void => {
    if (begun === SMALL_FILES) return;
    begun++;
    scheduler.addFile(begun, SMALL_FILE_BYTES, PIECE_SIZE, { only: 1 + (begun % CONNECTIONS) });
  };
  while (begun < 2 * CONNECTIONS) begin();
  const underWay: Send[] = [];
  const dispatch = (): void => {
    for (const order of scheduler.orders()) if (order.kind === 'send') underWay.push(order);
  };
  dispatch();
  for (let next = 0; next < underWay.length; next++) {
    const { task, file, range } = underWay[next]!;
    scheduler.taken(task);
    dispatch();
    scheduler.acknowledged(task, [range]);
    scheduler.ended(task);
    scheduler.removeFile(file);
    begin();
    dispatch();
  }
  if (underWay.length !== SMALL_FILES) throw new Error(`Only ${underWay.length} small files were handed out`);
}
