import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConnectionPool, type ConnectionPoolOptions } from '../../../../src/engine/connections/connection-pool.ts';
import { MAX_REFUSALS, revivalDelayMs } from '../../../../src/engine/connections/retry-policy.ts';
import type { TransferEventBody } from '../../../../src/engine/events.ts';
import type { PieceRunner, RunnerCommand, RunnerReport } from '../../../../src/engine/runner/piece-runner.ts';
import { CopyError, type CopyErrorOptions, type ErrorCode } from '../../../../src/errors.ts';
import type { Abilities } from '../../../../src/remotes/remote.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  // No jitter.
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const abilities: Abilities = {
  pieceSize: { min: 1, max: 2 ** 50, maxPieces: 2 ** 50 },
  smallestCut: 64 * 1024,
  writers: 'many',
  durable: 'synced',
};

class Scene implements PieceRunner {
  readonly commands: RunnerCommand[] = [];
  readonly events: TransferEventBody[] = [];
  readonly opened: number[] = [];
  readonly closing: number[] = [];
  readonly lost: number[] = [];
  readonly failures: CopyError[] = [];
  isPerforming = false;
  readonly pool: ConnectionPool;

  constructor(options: Partial<ConnectionPoolOptions> = {}) {
    const all = { wanted: 4, maxStartups: 8, connectIntervalMs: 0, retryForMs: 900_000, ...options };
    this.pool = new ConnectionPool(this, all, {
      onOpened: (connection) => this.opened.push(connection),
      onClosing: (connection) => this.closing.push(connection),
      onLost: (connection) => this.lost.push(connection),
      isPerforming: () => this.isPerforming,
      onFailed: (error) => this.failures.push(error),
      emit: (event) => this.events.push(event),
    });
  }

  post(command: RunnerCommand): void {
    this.commands.push(command);
  }

  onReport(): void {}

  async end(): Promise<void> {}

  /** Connections that were told to dial and have had no answer yet, in order. */
  dialling: number[] = [];

  start(): void {
    this.pool.start();
    this.#take();
  }

  /** Time goes on. */
  wait(ms: number): void {
    vi.advanceTimersByTime(ms);
    this.#take();
  }

  open(connection: number): void {
    this.#answered(connection);
    this.#report({ kind: 'opened', connection, abilities, description: `server ${connection}` });
  }

  fail(connection: number, code: ErrorCode, options: CopyErrorOptions = {}): void {
    this.#answered(connection);
    this.#report({ kind: 'open-failed', connection, error: new CopyError(code, 'No.', options).toData() });
  }

  /** Attempts so far. */
  get attempts(): number {
    return this.commands.filter(({ kind }) => kind === 'open').length;
  }

  notices(): string[] {
    return this.events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
  }

  admit(connection: number): void {
    this.#report({ kind: 'admitted', connection });
  }

  lose(connection: number): void {
    this.#report({ kind: 'lost', connection, error: new CopyError('connection-lost', 'Cut.').toData() });
  }

  closed(connection: number): void {
    this.#report({ kind: 'lost', connection });
  }

  of(type: 'connection', state: string): number[] {
    return this.events.flatMap((event) => (event.type === type && event.state === state ? [event.connection] : []));
  }

  closes(): number[] {
    return this.commands.flatMap((command) => (command.kind === 'close' ? [command.connection] : []));
  }

  #report(report: RunnerReport): void {
    expect(this.pool.report(structuredClone(report))).toBe(true);
    this.#take();
  }

  #answered(connection: number): void {
    expect(this.dialling, 'only what was dialled can be answered').toContain(connection);
    this.dialling = this.dialling.filter((other) => other !== connection);
  }

  #seen = 0;

  #take(): void {
    for (const command of this.commands.slice(this.#seen)) {
      if (command.kind === 'open') this.dialling.push(command.connection);
    }
    this.#seen = this.commands.length;
  }
}

test('one that the server has let in is no handshake any more; dialled again it is', () => {
  const scene = new Scene({ wanted: 4, maxStartups: 2 });
  scene.start();
  expect(scene.dialling).toEqual([1, 2]);
  scene.admit(1);
  expect(scene.dialling).toEqual([1, 2, 3]);
  scene.open(1);
  expect(scene.dialling).toEqual([2, 3]);
  scene.lose(1);
  scene.open(2);
  expect(scene.dialling).toEqual([3, 4]);
  scene.wait(10_000);
  // 1 waits for its turn, though it was let in before.
  expect(scene.dialling).toEqual([3, 4]);
});

test('opens no more handshakes at once than told, and all in the end', () => {
  const scene = new Scene({ wanted: 7, maxStartups: 3 });
  scene.start();
  expect(scene.dialling).toEqual([1, 2, 3]);
  scene.open(2);
  expect(scene.dialling).toEqual([1, 3, 4]);
  while (scene.dialling.length > 0) {
    expect(scene.dialling.length).toBeLessThanOrEqual(3);
    scene.open(scene.dialling[0]!);
  }
  expect(scene.pool.open).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(scene.opened).toEqual([2, 1, 3, 4, 5, 6, 7]);
  expect(scene.of('connection', 'opening')).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(scene.of('connection', 'open')).toEqual(scene.opened);
});

test('keeps the pause between two attempts', () => {
  const scene = new Scene({ wanted: 3, connectIntervalMs: 1000 });
  scene.start();
  expect(scene.dialling).toEqual([1]);
  scene.wait(999);
  expect(scene.dialling).toEqual([1]);
  scene.open(1);
  expect(scene.dialling, 'an answer shortens no pause').toEqual([]);
  scene.wait(1);
  expect(scene.dialling).toEqual([2]);
  scene.wait(1000);
  expect(scene.dialling).toEqual([2, 3]);
});

test('a refusal halves the handshakes at once, and is tried again later and later, then given up', () => {
  const scene = new Scene({ wanted: 4, maxStartups: 4 });
  scene.start();
  scene.open(1);
  scene.open(2);
  scene.fail(3, 'connection-refused');
  scene.fail(4, 'connection-refused');
  // 4 → 2 → 1 at once.
  for (const pause of [1000, 2000, 4000]) {
    scene.wait(pause - 1);
    expect(scene.dialling).toEqual([]);
    scene.wait(1);
    expect(scene.dialling).toEqual([3]);
    scene.fail(3, 'connection-refused');
    expect(scene.dialling, 'one at a time').toEqual([4]);
    scene.fail(4, 'connection-refused');
  }
  scene.wait(59_999);
  expect(scene.dialling).toEqual([]);
  expect(scene.of('connection', 'given-up')).toEqual([3, 4]);
  expect(scene.of('connection', 'refused')).toEqual([3, 4, 3, 4, 3, 4]);
  expect(scene.failures).toEqual([]);
  expect(scene.pool.open).toEqual([1, 2]);
});

test('a refused connection that comes in later counts from the beginning again', () => {
  const scene = new Scene({ wanted: 2 });
  scene.start();
  scene.open(1);
  for (let round = 0; round < 3; round++) {
    scene.fail(2, 'connection-refused');
    scene.wait(4000);
  }
  scene.open(2);
  scene.lose(2);
  scene.wait(100);
  scene.fail(2, 'connection-refused');
  scene.wait(1000);
  expect(scene.dialling).toEqual([2]);
});

test('those given up after refusals are tried again, one at a time, ever more rarely, and all when one comes in', () => {
  const scene = new Scene({ wanted: 4, maxStartups: 4 });
  scene.start();
  scene.open(1);
  for (const connection of [2, 3, 4]) scene.fail(connection, 'connection-refused');
  for (let round = 0; scene.of('connection', 'given-up').length < 3; round++) {
    expect(round).toBeLessThan(100);
    for (const connection of [...scene.dialling]) scene.fail(connection, 'connection-refused');
    scene.wait(1000);
  }
  for (const minutes of [1, 2, 4]) {
    // The wait above may have used some of the first one.
    scene.wait(minutes * 60_000 - 1001);
    expect(scene.dialling).toEqual([]);
    scene.wait(1001);
    expect(scene.dialling).toHaveLength(1);
    if (minutes < 4) scene.fail(scene.dialling[0]!, 'connection-refused');
  }
  scene.open(scene.dialling[0]!);
  while (scene.dialling.length > 0) scene.open(scene.dialling[0]!);
  expect(scene.pool.open).toEqual([1, 2, 3, 4]);
});

/** What may end an attempt though the server is there and will let us in. */
const passing = [
  ['connection-failed', {}],
  ['connection-refused', {}],
  ['connection-lost', {}],
  ['connection-stalled', {}],
] as const;

describe.each(passing)('before any connection was open, %s', (code, options) => {
  test('is tried again for as long as told, one attempt at a time, ever later; then there is no connection', () => {
    const scene = new Scene({ wanted: 10, maxStartups: 8, retryForMs: 120_000 });
    scene.start();
    const began = performance.now();
    const attemptsAt: number[] = [];
    for (let step = 0; scene.failures.length === 0 && step < 10_000; step++) {
      if (scene.attempts > 10) expect(scene.dialling.length).toBeLessThanOrEqual(1);
      for (const connection of [...scene.dialling]) {
        attemptsAt.push(performance.now() - began);
        scene.fail(connection, code, options);
      }
      scene.wait(100);
    }
    expect(scene.failures.map(({ code, exitCode }) => [code, exitCode])).toEqual([['no-connection', 5]]);
    expect(attemptsAt.at(-1)).toBeGreaterThanOrEqual(119_000);
    expect(attemptsAt.at(-1)).toBeLessThan(121_000);
    expect(attemptsAt.length, 'not a hammer').toBeLessThan(24);
    expect(scene.notices(), 'it is told once, without -v').toEqual([
      'No. No connection is open; it is tried again for 2 min 0 s.',
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('and then an attempt that succeeds: all come in', () => {
    const scene = new Scene({ wanted: 10, maxStartups: 8 });
    scene.start();
    while (performance.now() < 60_000) {
      for (const connection of [...scene.dialling]) scene.fail(connection, code, options);
      scene.wait(100);
    }
    for (let round = 0; round < 20 && scene.pool.open.length < 10; round++) {
      for (const connection of [...scene.dialling]) scene.open(connection);
      scene.wait(30_000);
    }
    expect(scene.pool.open).toHaveLength(10);
    expect(scene.failures).toEqual([]);
  });
});

test.each(['authentication-lost', 'protocol'] as const)(
  '%s five times in a row ends a run without a connection',
  (code) => {
    const scene = new Scene({ wanted: 1 });
    scene.start();
    for (let attempt = 1; attempt <= 5; attempt++) {
      expect(scene.failures).toEqual([]);
      scene.fail(1, code);
      scene.wait(30_000);
    }
    expect(scene.failures.map((error) => error.code)).toEqual([code]);
    expect(scene.attempts).toBe(5);
  },
);

test('authentication-lost five times in a row gives up one connection beside another that works', () => {
  const scene = new Scene({ wanted: 2 });
  scene.start();
  scene.open(1);
  for (let attempt = 1; attempt <= 5; attempt++) {
    scene.fail(2, 'authentication-lost');
    scene.wait(31_000);
  }
  scene.wait(3_600_000);
  expect(scene.attempts).toBe(6);
  expect(scene.of('connection', 'given-up')).toEqual([2]);
  expect(scene.failures).toEqual([]);
});

test('authentication-lost with something else in between is not in a row', () => {
  const scene = new Scene({ wanted: 1 });
  scene.start();
  for (let attempt = 1; attempt <= 12; attempt++) {
    scene.fail(1, attempt % 4 === 0 ? 'connection-lost' : 'authentication-lost');
    scene.wait(30_000);
  }
  scene.open(1);
  expect(scene.failures).toEqual([]);
});

test.each(['authentication-failed', 'host-key-changed', 'subsystem-missing'] as const)(
  'a first connection that fails with %s fails the run with that, at once',
  (code) => {
    const scene = new Scene();
    scene.start();
    scene.fail(1, code);
    expect(scene.failures).toHaveLength(1);
    expect(scene.failures[0]!.code).toBe(code);
    expect(scene.closes(), 'the others stop dialling').toEqual([2, 3, 4]);
    scene.wait(3_600_000);
    expect(scene.commands.filter(({ kind }) => kind === 'open')).toHaveLength(4);
  },
);

test('where no server was ever heard of, the run fails when the last of the first attempts has failed', () => {
  const scene = new Scene({ wanted: 10, maxStartups: 8 });
  scene.start();
  // Handshakes that time out leave the others time to be dialled anew: that must not go on for ever.
  for (let attempts = 0; attempts < 100 && scene.failures.length === 0; attempts++) {
    scene.fail(scene.dialling[0]!, 'connection-failed', { retry: false });
    scene.wait(300);
    if (attempts < 9) expect(scene.failures).toEqual([]);
  }
  expect(scene.failures.map(({ code, exitCode }) => [code, exitCode])).toEqual([['connection-failed', 5]]);
  expect(scene.commands.filter(({ kind }) => kind === 'open').length).toBeLessThanOrEqual(20);
});

test('one first attempt that fails is nothing while another may still come through', () => {
  const scene = new Scene({ wanted: 2 });
  scene.start();
  scene.fail(1, 'connection-failed');
  scene.open(2);
  scene.wait(1000);
  scene.open(1);
  expect(scene.failures).toEqual([]);
});

test('a failed login beside a connection that works gives up that one only', () => {
  const scene = new Scene({ wanted: 3 });
  scene.start();
  scene.open(1);
  scene.fail(2, 'authentication-failed');
  scene.open(3);
  expect(scene.failures).toEqual([]);
  expect(scene.of('connection', 'given-up')).toEqual([2]);
  scene.wait(3_600_000);
  expect(scene.dialling, 'no failed login is tried again').toEqual([]);
});

test('a lost connection is told, and dialled anew after 0.1 s, then later and later', () => {
  const scene = new Scene({ wanted: 2 });
  scene.start();
  scene.open(1);
  scene.open(2);
  scene.lose(2);
  expect(scene.lost).toEqual([2]);
  expect(scene.events.at(-1)).toMatchObject({ type: 'connection', connection: 2, state: 'lost', retryInMs: 100 });
  scene.wait(100);
  for (const pause of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
    expect(scene.dialling).toEqual([2]);
    scene.fail(2, 'connection-failed');
    scene.wait(pause - 1);
    expect(scene.dialling).toEqual([]);
    scene.wait(1);
  }
  scene.open(2);
  expect(scene.pool.open).toEqual([1, 2]);
  expect(scene.failures).toEqual([]);
});

test('with all connections lost it tries for as long as told, then there is no connection', () => {
  const scene = new Scene({ wanted: 2, retryForMs: 60_000 });
  scene.start();
  scene.open(1);
  scene.open(2);
  const began = performance.now();
  scene.lose(1);
  scene.lose(2);
  while (scene.failures.length === 0 && performance.now() - began < 600_000) {
    for (const connection of [...scene.dialling]) scene.fail(connection, 'connection-failed');
    scene.wait(500);
  }
  expect(scene.failures.map(({ code, exitCode }) => [code, exitCode])).toEqual([['no-connection', 5]]);
  expect(performance.now() - began).toBeGreaterThan(60_000);
  expect(performance.now() - began).toBeLessThan(60_000 + 31_000);
  scene.wait(3_600_000);
  expect(scene.dialling).toEqual([]);
});

test('a server that refuses while all connections are lost is tried again every half minute at least', () => {
  const scene = new Scene({ wanted: 1, retryForMs: 3_600_000 });
  scene.start();
  scene.open(1);
  scene.lose(1);
  scene.wait(100);
  for (let attempt = 1; attempt <= 40; attempt++) {
    expect(scene.dialling).toEqual([1]);
    scene.fail(1, 'connection-refused');
    scene.wait(30_000);
  }
  scene.open(1);
  expect(scene.failures).toEqual([]);
});

test('a connection that comes back ends the time without one', () => {
  const scene = new Scene({ wanted: 1, retryForMs: 10_000 });
  scene.start();
  scene.open(1);
  for (let time = 0; time < 5; time++) {
    scene.lose(1);
    scene.wait(6000);
    scene.open(1);
    scene.pool.onProgress();
  }
  expect(scene.failures).toEqual([]);
});

/** Both are lost every 31 s: until 900 s have passed since the first loss. */
const LOSSES_IN_VAIN = 2 * 30 + 1;

test('connections that are lost without a byte end the run when the time to retry is over; a byte begins it anew', () => {
  const scene = new Scene({ wanted: 2 });
  scene.start();
  let losses = 0;
  const loseBoth = (): void => {
    for (const connection of [1, 2]) {
      if (scene.failures.length > 0 || !scene.pool.open.includes(connection)) continue;
      scene.lose(connection);
      losses++;
    }
    scene.wait(31_000);
    for (const connection of [...scene.dialling]) scene.open(connection);
  };
  for (const connection of [1, 2]) scene.open(connection);
  for (let round = 0; round < 25; round++) loseBoth();
  scene.pool.onProgress();
  losses = 0;
  for (let round = 0; round < 50 && scene.failures.length === 0; round++) loseBoth();
  expect(scene.failures.map(({ code }) => code)).toEqual(['connection-lost']);
  expect(losses).toBe(LOSSES_IN_VAIN);
});

test('connections that open, never answer and are dropped without an error end the run', () => {
  const scene = new Scene({ wanted: 2 });
  scene.start();
  let dropped = 0;
  for (let round = 0; round < 100 && scene.failures.length === 0; round++) {
    for (const connection of [...scene.dialling]) scene.open(connection);
    for (const connection of scene.pool.open) {
      if (scene.failures.length > 0) break;
      scene.pool.drop(connection);
      scene.closed(connection);
      dropped++;
    }
    scene.wait(31_000);
  }
  expect(scene.failures.map(({ code, exitCode }) => [code, exitCode])).toEqual([['connection-stalled', 5]]);
  expect(dropped).toBe(LOSSES_IN_VAIN);
});

test('connections that are lost while another one waits for a slow answer do not end the run', () => {
  const scene = new Scene({ wanted: 2, retryForMs: 60_000 });
  scene.start();
  for (const connection of [...scene.dialling]) scene.open(connection);
  scene.isPerforming = true;
  for (let round = 0; round < 5; round++) {
    scene.lose(2);
    scene.wait(61_000);
    scene.open(2);
  }
  expect(scene.failures).toEqual([]);
  scene.lose(1);
  scene.lose(2);
  expect(scene.failures, 'none is left that could answer').toHaveLength(1);
});

test('the only connection, lost and then refused its login a few times, is let in again', () => {
  const scene = new Scene({ wanted: 1 });
  scene.start();
  scene.open(1);
  scene.lose(1);
  for (const pause of [100, 1000, 2000]) {
    expect(scene.dialling).toEqual([]);
    scene.wait(pause);
    expect(scene.dialling).toEqual([1]);
    if (pause < 2000) scene.fail(1, 'connection-refused', { retry: false });
  }
  scene.open(1);
  expect(scene.failures).toEqual([]);
  expect(scene.of('connection', 'given-up')).toEqual([]);
  expect(scene.pool.open).toEqual([1]);
});

test('the only connection, lost and then refused its login for ever, is tried for as long as told', () => {
  const scene = new Scene({ wanted: 1, retryForMs: 60_000 });
  scene.start();
  scene.open(1);
  const began = performance.now();
  scene.lose(1);
  while (scene.failures.length === 0 && performance.now() - began < 600_000) {
    for (const connection of scene.dialling) scene.fail(connection, 'connection-refused', { retry: false });
    scene.wait(500);
  }
  expect(scene.failures.map(({ code }) => code)).toEqual(['no-connection']);
  expect(performance.now() - began).toBeGreaterThan(60_000);
});

test('those that were given up are tried again when one is let in after a time without any', () => {
  const scene = new Scene({ wanted: 2 });
  scene.start();
  scene.open(1);
  scene.open(2);
  scene.lose(2);
  scene.wait(100);
  scene.fail(2, 'connection-refused', { retry: false });
  expect(scene.of('connection', 'given-up')).toEqual([2]);
  scene.lose(1);
  scene.wait(100);
  scene.fail(1, 'connection-refused', { retry: false });
  scene.wait(1000);
  expect(scene.dialling, 'the last one keeps trying, alone').toEqual([1]);
  scene.open(1);
  expect(scene.dialling).toEqual([2]);
  scene.open(2);
  expect(scene.pool.open).toEqual([1, 2]);
  expect(scene.failures).toEqual([]);
});

test('a credential that is good for one connection only: the others are given up at once and for good, and it is told', () => {
  const scene = new Scene({ wanted: 10, maxStartups: 4 });
  scene.start();
  scene.open(1);
  expect(scene.dialling).toEqual([2, 3, 4, 5]);
  for (const connection of [2, 3, 4, 5]) scene.fail(connection, 'credential-not-reusable');
  expect(scene.notices()).toEqual(['No. 1 connection remains.']);
  expect(scene.of('connection', 'given-up').sort((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
  scene.wait(3_600_000);
  expect(scene.attempts).toBe(5);
  scene.lose(1);
  scene.wait(31_000);
  scene.open(1);
  scene.wait(3_600_000);
  expect(scene.attempts, 'none but the last one').toBe(6);
  expect(scene.failures).toEqual([]);
});

test('it is told when the one that was let in is open, if that takes longer', () => {
  const scene = new Scene({ wanted: 3 });
  scene.start();
  scene.fail(2, 'credential-not-reusable');
  expect(scene.notices()).toEqual([]);
  scene.open(1);
  expect(scene.notices()).toEqual(['No. 1 connection remains.']);
  scene.fail(3, 'credential-not-reusable');
  expect(scene.notices()).toHaveLength(1);
});

test('the last connection, lost, and the person gives no right answer: the run ends at once', () => {
  const scene = new Scene({ wanted: 1 });
  scene.start();
  scene.open(1);
  scene.lose(1);
  scene.wait(200);
  scene.fail(1, 'authentication-failed');
  expect(scene.failures.map(({ code, exitCode }) => [code, exitCode])).toEqual([['authentication-failed', 7]]);
});

test('a dropped connection is closed once, gets no more work, and is opened anew', () => {
  const scene = new Scene({ wanted: 2 });
  scene.start();
  scene.open(1);
  scene.open(2);
  scene.pool.drop(2);
  scene.pool.drop(2);
  expect(scene.closes()).toEqual([2]);
  expect(scene.closing).toEqual([2]);
  expect(scene.pool.open).toEqual([1]);
  scene.closed(2);
  scene.wait(100);
  scene.open(2);
  expect(scene.pool.open).toEqual([1, 2]);
});

test('a renewed connection is closed and opened anew at once, and is not told of as lost', () => {
  const scene = new Scene({ wanted: 2 });
  scene.start();
  scene.open(1);
  scene.open(2);
  scene.pool.renew(2);
  expect(scene.closing).toEqual([2]);
  scene.closed(2);
  scene.wait(0);
  expect(scene.dialling).toEqual([2]);
  scene.open(2);
  expect(scene.events.filter((event) => event.type === 'connection' && event.state === 'lost')).toEqual([]);
  // Only that once.
  scene.pool.drop(2);
  scene.closed(2);
  expect(scene.events.at(-1)).toMatchObject({ type: 'connection', state: 'lost' });
});

test('dropping what is not open does nothing', () => {
  const scene = new Scene({ wanted: 2 });
  scene.start();
  scene.pool.drop(1);
  expect(scene.closes()).toEqual([]);
});

test('end() closes what is open or dialling, forgets every timer, and opens nothing any more', () => {
  const scene = new Scene({ wanted: 4, connectIntervalMs: 100 });
  scene.start();
  scene.open(1);
  scene.wait(100);
  scene.wait(100);
  scene.fail(3, 'connection-refused');
  expect(scene.dialling).toEqual([2]);
  scene.pool.end();
  expect(scene.closes()).toEqual([1, 2]);
  expect(vi.getTimerCount()).toBe(0);
  // It came through all the same.
  scene.open(2);
  expect(scene.closes()).toEqual([1, 2, 2]);
  expect(scene.opened).toEqual([1]);
  scene.closed(1);
  scene.closed(2);
  expect(vi.getTimerCount()).toBe(0);
  expect(scene.failures).toEqual([]);
});

test('reports on tasks are not its business', () => {
  const { pool } = new Scene();
  expect(pool.report({ kind: 'taken', task: 1 })).toBe(false);
  expect(pool.report({ kind: 'ended', task: 1 })).toBe(false);
});

describe('how many connections are wanted turns out later', () => {
  test('more are opened', () => {
    const scene = new Scene({ wanted: 1 });
    scene.start();
    scene.open(1);
    scene.pool.want(3);
    expect(scene.pool.wanted).toBe(3);
    scene.wait(0);
    expect(scene.dialling).toEqual([2, 3]);
  });

  test('those that are of no use are hung up, open or not, and not opened again', () => {
    const scene = new Scene({ wanted: 5, maxStartups: 5 });
    scene.start();
    for (const connection of [1, 2, 3]) scene.open(connection);
    scene.pool.want(2);
    expect(scene.pool.wanted).toBe(2);
    expect(scene.closes()).toEqual([3, 4, 5]);
    scene.closed(3);
    scene.fail(4, 'cancelled');
    // It came through before it was hung up.
    scene.open(5);
    scene.closed(5);
    // Whoever lifts a limit does not bring back what is not wanted.
    scene.pool.limit('line', Number.POSITIVE_INFINITY);
    scene.wait(60_000);
    expect(scene.dialling).toEqual([]);
    expect(scene.of('connection', 'closed')).toEqual([3, 4, 5]);
    expect(scene.of('connection', 'given-up')).toEqual([]);
    expect(scene.failures).toEqual([]);
  });

  test('those that were not wanted stand in for no other, and no failure waits for them', () => {
    const scene = new Scene({ wanted: 4, maxStartups: 4 });
    scene.start();
    scene.open(1);
    scene.pool.want(1);
    expect(scene.closes()).toEqual([2, 3, 4]);
    for (const connection of [2, 3, 4]) scene.fail(connection, 'cancelled');
    scene.lose(1);
    expect(scene.dialling, 'not before its pause').toEqual([]);
    scene.wait(60_000);
    expect(scene.dialling).toEqual([1]);
    scene.fail(1, 'authentication-failed', { scope: 'run' });
    expect(scene.failures).toMatchObject([{ code: 'authentication-failed' }]);
  });
});

describe('a limit on the number of connections', () => {
  test('what is too many is hung up and not opened again; without the limit all come back', () => {
    const scene = new Scene({ wanted: 5, maxStartups: 4 });
    scene.start();
    for (const connection of [1, 2, 3]) scene.open(connection);
    scene.pool.limit('line', 2);
    expect(scene.pool.wanted).toBe(2);
    expect(scene.closes()).toEqual([3]);
    expect(scene.of('connection', 'closed')).toEqual([]);
    scene.closed(3);
    scene.fail(4, 'connection-lost');
    // It came through while the limit was set.
    scene.open(5);
    expect(scene.closes()).toEqual([3, 5]);
    scene.closed(5);
    scene.wait(60_000);
    expect(scene.dialling).toEqual([]);
    expect(scene.of('connection', 'closed')).toEqual([3, 4, 5]);
    expect(scene.of('connection', 'lost')).toEqual([]);
    scene.pool.limit('line', Number.POSITIVE_INFINITY);
    expect(scene.dialling).toEqual([]);
    scene.wait(0);
    expect(scene.dialling).toEqual([3, 4, 5]);
    expect(scene.failures).toEqual([]);
  });

  test('each reason has a limit of its own: lifting one leaves the other, and the lowest counts', () => {
    const scene = new Scene({ wanted: 5, maxStartups: 5 });
    scene.start();
    for (const connection of [1, 2, 3, 4, 5]) scene.open(connection);
    scene.pool.limit('admission', 3);
    expect(scene.pool.wanted).toBe(3);
    scene.pool.limit('line', 2);
    expect(scene.pool.wanted).toBe(2);
    scene.pool.limit('line', Number.POSITIVE_INFINITY);
    expect(scene.pool.wanted).toBe(3);
    scene.pool.limit('line', 4);
    expect(scene.pool.wanted).toBe(3);
    scene.pool.limit('admission', Number.POSITIVE_INFINITY);
    expect(scene.pool.wanted).toBe(4);
  });

  test('what waits to be opened again is not opened, and those that are used still are', () => {
    const scene = new Scene({ wanted: 3 });
    scene.start();
    for (const connection of [1, 2, 3]) scene.open(connection);
    scene.lose(1);
    scene.lose(3);
    scene.pool.limit('line', 2);
    expect(scene.of('connection', 'closed')).toEqual([3]);
    scene.wait(60_000);
    expect(scene.dialling).toEqual([1]);
    // A limit of less than one connection would be the end of the run.
    scene.pool.limit('line', 0);
    scene.open(1);
    expect(scene.pool.open).toEqual([2]);
    expect(scene.closes()).toEqual([1]);
  });

  test('a lost connection waits for its pause, whatever is spare', () => {
    const scene = new Scene({ wanted: 3 });
    scene.start();
    for (const connection of [1, 2, 3]) scene.open(connection);
    scene.pool.limit('line', 1);
    for (const connection of [2, 3]) scene.closed(connection);
    scene.lose(1);
    expect(scene.dialling).toEqual([]);
    scene.wait(60_000);
    expect(scene.dialling).toEqual([1]);
  });

  test('it counts those that work, whatever their numbers; one that can commit is tried beyond it', () => {
    const scene = new Scene({ wanted: 8 });
    scene.start();
    for (const connection of [5, 6, 7, 8]) scene.open(connection);
    for (const connection of [1, 2, 3, 4]) scene.fail(connection, 'connection-refused', { retry: true });
    scene.pool.limit('line', 2);
    expect(scene.pool.open).toEqual([5, 6]);
    expect(scene.closes()).toEqual([7, 8]);
    for (const connection of [7, 8]) scene.closed(connection);
    expect(scene.of('connection', 'closed')).toEqual([2, 3, 4, 7, 8]);
    scene.wait(60_000);
    expect(scene.dialling).toEqual([1]);
    scene.open(1);
    expect(scene.pool.open).toEqual([1, 5]);
    // The one that is lost is opened again, not another one.
    scene.closed(6);
    scene.lose(5);
    scene.wait(60_000);
    expect(scene.dialling).toEqual([5]);
    expect(scene.failures).toEqual([]);
  });

  test('one that was given up is not opened beyond it only to be hung up at once', () => {
    const scene = new Scene({ wanted: 4 });
    scene.start();
    for (const connection of [1, 2, 3]) scene.open(connection);
    for (let refusal = 1; refusal <= MAX_REFUSALS; refusal++) {
      scene.fail(4, 'connection-refused', { retry: true });
      scene.wait(10_000);
    }
    expect(scene.of('connection', 'given-up')).toEqual([4]);
    scene.pool.limit('line', 3);
    scene.wait(revivalDelayMs(0));
    expect(scene.dialling).toEqual([]);
    expect(scene.closes()).toEqual([]);
    expect(scene.of('connection', 'closed')).toEqual([4]);
    // It is used where another one is given up.
    scene.lose(3);
    scene.wait(100);
    scene.fail(3, 'authentication-failed', { scope: 'run' });
    expect(scene.dialling).toEqual([4]);
  });

  test('when no other login is possible, those that were not used are given up too', () => {
    const scene = new Scene({ wanted: 4 });
    scene.start();
    for (const connection of [1, 2, 3]) scene.open(connection);
    scene.fail(4, 'connection-lost');
    scene.pool.limit('line', 3);
    expect(scene.of('connection', 'closed')).toEqual([4]);
    scene.lose(3);
    scene.wait(100);
    scene.fail(3, 'credential-not-reusable');
    expect(scene.of('connection', 'given-up').sort()).toEqual([3, 4]);
    scene.pool.limit('line', Number.POSITIVE_INFINITY);
    scene.wait(60_000);
    expect(scene.dialling).toEqual([]);
  });
});

test('which connections are open is found out once for each that comes or goes', () => {
  const scene = new Scene({ wanted: 3 });
  scene.start();
  for (const connection of [1, 2, 3]) scene.open(connection);
  const { open } = scene.pool;
  expect(open).toEqual([1, 2, 3]);
  expect(scene.pool.open, 'the same list').toBe(open);
  scene.pool.drop(2);
  expect(scene.pool.open).toEqual([1, 3]);
  expect([1, 2, 3, 4].map((connection) => scene.pool.isOpen(connection))).toEqual([true, false, true, false]);
  expect(open, 'who is going through it is not disturbed').toEqual([1, 2, 3]);
});
