import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byTier } from '../support/tier.ts';
import { RunnerModel } from './runner-model.ts';

const KIB = 1024;
const CONNECTIONS = 6;

const files = fc.array(
  fc.record({
    size: fc.oneof(fc.constantFrom(0, 1, 64 * KIB, 64 * KIB + 1), fc.integer({ min: 0, max: 3 * 1024 * KIB })),
    pieceSize: fc.constantFrom(64 * KIB, 128 * KIB, 1024 * KIB),
  }),
  { minLength: 1, maxLength: 4 },
);
/** By connection; 0: not measured. Far apart, so that slow ones lose all they have. */
const rates = fc.array(fc.constantFrom(0, 1, 10, 10, 10, 1000), { minLength: CONNECTIONS, maxLength: CONNECTIONS });

const actions = [
  'connect',
  'connect',
  'lose',
  'fail task',
  'take',
  'take',
  'take',
  'acknowledge',
  'acknowledge',
  'acknowledge',
  'deliver order',
  'deliver order',
  'deliver report',
  'deliver report',
  'deliver report',
  'pump',
  'pump',
  'drop',
  'restrict',
  'share',
  'pause',
  'resume',
  'sync',
  'crash',
] as const;
const steps = fc.array(
  fc.record({ action: fc.constantFrom(...actions), pick: fc.nat(1000), length: fc.integer({ min: 1, max: 200_000 }) }),
  { maxLength: 300 },
);

function act(model: RunnerModel, action: (typeof actions)[number], pick: number, length: number): void {
  const connection = 1 + (pick % CONNECTIONS);
  const file = pick % model.files.length;
  const live = model.live[pick % Math.max(1, model.live.length)];
  switch (action) {
    case 'connect':
      return model.connect(connection);
    case 'lose':
      return model.lose(connection);
    case 'drop':
      // The engine knows it first: no work for a connection that is being hung up.
      if (model.open.has(connection)) model.scheduler.removeConnection(connection);
      return model.lose(connection);
    case 'fail task':
      return live && model.fail(live);
    case 'take':
      return live && model.take(live, length);
    case 'acknowledge':
      return live && model.acknowledge(live, pick);
    case 'deliver order':
      return model.deliverOrder();
    case 'deliver report':
      return model.deliverReport();
    case 'pump':
      return model.pump();
    case 'restrict':
      return model.scheduler.restrict(file, connection);
    case 'share':
      return model.scheduler.restrict(file, undefined);
    case 'pause':
      return model.give(model.scheduler.pause(file, 'drain'));
    case 'resume':
      return model.scheduler.resume(file, 'drain');
    case 'sync':
      return model.sync(file);
    case 'crash':
      return model.crash();
  }
}

test('whatever happens to connections and tasks, every byte arrives, none is in two tasks at once, orders are few', () => {
  fc.assert(
    fc.property(files, rates, steps, (sizes, rateOf, script) => {
      const model = new RunnerModel(sizes, (connection) => rateOf[connection - 1]!);
      for (const { action, pick, length } of script) {
        act(model, action, pick, length);
        model.check();
      }
      for (let file = 0; file < sizes.length; file++) {
        model.scheduler.resume(file, 'drain');
        model.scheduler.restrict(file, undefined);
      }
      while (!model.isQuiet && model.open.size > 0) {
        const [connection] = model.open;
        model.lose(connection!);
      }
      const before = model.ordersGiven;
      while (model.open.size < CONNECTIONS) {
        for (let connection = 1; connection <= CONNECTIONS; connection++) model.connect(connection);
        model.deliverReport();
      }
      expect(
        model.finish(20_000, (connection) => 1000 * Math.max(10, rateOf[connection - 1]!)),
        'it comes to an end',
      ).toBe(true);
      model.check();
      sizes.forEach(({ size }, file) => {
        expect(model.arrived[file]!.total).toBe(size);
        expect(model.scheduler.hasTasks(file)).toBe(false);
      });
      // A task has its send, and may be cut as long as both sides keep 64 KiB: no passing to and fro of the last bytes.
      const smallest = sizes.reduce((sum, { size }) => sum + Math.ceil(size / (64 * KIB)), 0);
      const holes = script.length;
      expect(model.ordersGiven - before).toBeLessThanOrEqual(4 * (smallest + holes + CONNECTIONS));
    }),
    { numRuns: byTier(200, 5000) },
  );
});

/**
 * Runs a big file over connections of these rates to its end; returns the tasks in the order in which they were given.
 */
function runBigFile(rates: readonly number[], size: number, pieceSize: number) {
  const model = new RunnerModel([{ size, pieceSize }], (connection) => rates[connection - 1]!);
  rates.forEach((_, index) => {
    model.connect(index + 1);
  });
  expect(model.finish(100_000, (connection) => Math.ceil(rates[connection - 1]! / 10))).toBe(true);
  expect(model.arrived[0]!.total).toBe(size);
  return model;
}

const someRates = fc.array(fc.integer({ min: 400 * KIB, max: 40_000 * KIB }), { minLength: 1, maxLength: 10 });
const somePieceSize = fc.constantFrom(64 * KIB, 1024 * KIB, 4096 * KIB, 256 * 1024 * KIB);

test('a big file takes few orders: one for two seconds of a connection, and some at its end', () => {
  fc.assert(
    fc.property(someRates, somePieceSize, (rates, pieceSize) => {
      const size = 512 * 1024 * KIB;
      const model = runBigFile(rates, size, pieceSize);
      const slowest = Math.min(...rates);
      // A range may be half as long as two seconds are worth, so as to end with a piece.
      const ranges = size / Math.min(32 * 1024 * KIB, slowest);
      expect(model.ordersGiven).toBeLessThanOrEqual(ranges + 40 * rates.length);
    }),
    { numRuns: byTier(30, 200) },
  );
});

test('while there are bytes to hand out they go out in ascending order, worth one to four seconds each', () => {
  fc.assert(
    fc.property(someRates, somePieceSize, (rates, pieceSize) => {
      const size = 256 * 1024 * KIB;
      const { sent } = runBigFile(rates, size, pieceSize);
      let next = 0;
      for (const { connection, range } of sent) {
        if (next === size) break;
        expect(range.offset).toBe(next);
        next += range.length;
        const wanted = Math.min(64 * 1024 * KIB, 2 * rates[connection - 1]!);
        expect(range.length).toBeLessThanOrEqual(2 * wanted);
        // What is left of a piece, or of the file, may be shorter.
        const isCut = next === size || next % pieceSize === 0;
        if (!isCut) expect(range.length).toBeGreaterThanOrEqual(wanted / 2);
        // Where two seconds are worth a piece, it ends with one.
        if (wanted >= pieceSize && next < size) expect(next % pieceSize).toBe(0);
      }
      expect(next).toBe(size);
    }),
    { numRuns: byTier(30, 200) },
  );
});

test('connections work near one another: within four seconds of all of them together', () => {
  fc.assert(
    fc.property(someRates, (rates) => {
      const together = rates.reduce((sum, rate) => sum + rate, 0);
      const { widestBytes } = runBigFile(rates, 256 * 1024 * KIB, 1024 * KIB);
      expect(widestBytes).toBeLessThanOrEqual(4 * together + rates.length * 1024 * KIB);
    }),
    { numRuns: byTier(30, 200) },
  );
});
