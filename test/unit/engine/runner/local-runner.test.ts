import { expect, test } from 'vitest';
import { Counters } from '../../../../src/engine/runner/counters.ts';
import { LocalRunner } from '../../../../src/engine/runner/local-runner.ts';
import type { RunnerReport } from '../../../../src/engine/runner/piece-runner.ts';
import { MemoryRemote, stagedName } from '../../../support/memory-remote.ts';
import { pieceRunnerCompliance } from './piece-runner-compliance.ts';

const target = Buffer.from('/home/f');

pieceRunnerCompliance('LocalRunner', async (faults, counters) => {
  const remote = new MemoryRemote(faults);
  const home = await remote.connect(1000, new AbortController().signal);
  const { token } = await home.stage(target, 'new');
  await home.close();
  return {
    runner: new LocalRunner(remote, counters),
    token,
    put: (path, bytes) => remote.put(path, bytes),
    lose: (connection) => remote.lose(connection),
    release: () => remote.release(),
    contents: () => remote.contents(stagedName('/home/f'))!,
    open: () => remote.open,
    readers: () => remote.readers,
  };
});

async function opened(faults: ConstructorParameters<typeof MemoryRemote>[0] = {}) {
  const remote = new MemoryRemote(faults);
  const runner = new LocalRunner(remote, new Counters());
  const came = new Promise<RunnerReport>((resolve) => runner.onReport(resolve));
  runner.post({ kind: 'open', connection: 1 });
  await came;
  return { remote, runner };
}

test('a staged file is joined once a connection, also when it is asked for twice at once', async () => {
  const { remote, runner } = await opened();
  const { token } = await runner.connection(1)!.stage(target, 'new');
  const before = remote.holders;
  const [a, b] = await Promise.all([runner.joined(1, token), runner.joined(1, token)]);
  expect(a).toBe(b);
  expect(remote.holders).toBe(before + 1);
  expect(runner.holds(1, token)).toBe(true);
  runner.forget(1, token);
  expect(runner.holds(1, token)).toBe(false);
  await runner.end();
});

test('an adopted staged file is not joined again', async () => {
  const { remote, runner } = await opened({ refuseJoin: [1] });
  const staged = await runner.connection(1)!.stage(target, 'new');
  runner.adopt(1, staged);
  expect(await runner.joined(1, staged.token)).toBe(staged);
  expect(remote.holders).toBe(1);
  await runner.end();
});

test('a refused join is forgotten, so that it can be tried again', async () => {
  const { remote, runner } = await opened({ refuseJoin: [1] });
  const { token } = await runner.connection(1)!.stage(target, 'new');
  await expect(runner.joined(1, token)).rejects.toMatchObject({ code: 'single-writer' });
  remote.faults.refuseJoin = [];
  await expect(runner.joined(1, token)).resolves.toBeDefined();
  await runner.end();
});

test('a connection that is gone is lent to nobody', async () => {
  const { remote, runner } = await opened();
  const lost = new Promise<RunnerReport>((resolve) => runner.onReport(resolve));
  remote.lose(1);
  await lost;
  expect(runner.connection(1)).toBeUndefined();
  await expect(runner.joined(1, { stage: 'x' })).rejects.toMatchObject({ code: 'connection-lost' });
});
