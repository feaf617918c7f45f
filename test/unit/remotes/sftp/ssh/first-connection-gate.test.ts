import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { CopyError } from '../../../../../src/errors.ts';
import { FirstConnectionGate, type Role } from '../../../../../src/remotes/sftp/ssh/first-connection-gate.ts';

function enter(gate: FirstConnectionGate) {
  const failures: CopyError[] = [];
  return { pass: gate.enter((error) => failures.push(error)), failures };
}

/** The role if the turn has come, `waits` otherwise. */
async function now(turn: Promise<Role>): Promise<Role | 'waits'> {
  return Promise.race([turn, new Promise<'waits'>((resolve) => setImmediate(resolve, 'waits'))]);
}

const lost = new CopyError('connection-lost', 'x');
const refused = new CopyError('authentication-failed', 'x');

describe('FirstConnectionGate', () => {
  test('the first one decides; the others then check the host key, and authenticate when the first one is logged in', async () => {
    const gate = new FirstConnectionGate();
    const first = enter(gate).pass;
    const second = enter(gate).pass;
    const hostKey = second.turn('host-key');
    expect(await now(hostKey)).toBe('waits');
    expect(await now(first.turn('host-key'))).toBe('first');
    first.hostKeyAccepted();
    expect(await now(hostKey)).toBe('follower');
    const credential = second.turn('credential');
    expect(await now(credential)).toBe('waits');
    expect(await now(first.turn('credential'))).toBe('first');
    first.leave();
    expect(await now(credential)).toBe('follower');
    const third = enter(gate).pass;
    expect(await now(third.turn('host-key'))).toBe('follower');
  });

  test('the others send what may be used again as soon as it has let the first one in', async () => {
    const gate = new FirstConnectionGate();
    const first = enter(gate).pass;
    const second = enter(gate);
    const credential = second.pass.turn('credential');
    expect(await now(first.turn('credential'))).toBe('first');
    expect(await now(credential)).toBe('waits');
    first.credentialAccepted();
    expect(await now(credential)).toBe('follower');
    // A server without SFTP ends the run for all, as before.
    first.leave(new CopyError('subsystem-missing', 'x'));
    expect(second.failures).toMatchObject([{ code: 'subsystem-missing' }]);
  });

  test('when the first one fails with scope run, all fail with it, and the next one is first', async () => {
    const gate = new FirstConnectionGate();
    const [first, second, third] = [enter(gate), enter(gate), enter(gate)];
    void second.pass.turn('host-key');
    first.pass.leave(refused);
    expect([second.failures, third.failures]).toEqual([[refused], [refused]]);
    expect(await now(enter(gate).pass.turn('host-key'))).toBe('first');
  });

  test.each([lost, new CopyError('cancelled', 'x')])(
    'when the first fails alone, one that waits becomes first: $code',
    async (error) => {
      const gate = new FirstConnectionGate();
      const [first, second, third] = [enter(gate), enter(gate), enter(gate)];
      const [atSecond, atThird] = [second.pass.turn('host-key'), third.pass.turn('host-key')];
      first.pass.leave(error);
      expect([await now(atSecond), await now(atThird)]).toEqual(['first', 'waits']);
      second.pass.leave(error);
      expect(await now(atThird)).toBe('first');
      expect([second.failures, third.failures]).toEqual([[], []]);
    },
  );

  test('a connection that is ready later becomes the first one where there is none', async () => {
    const gate = new FirstConnectionGate();
    const [first, second] = [enter(gate), enter(gate)];
    first.pass.leave(lost);
    expect(await now(second.pass.turn('host-key'))).toBe('first');
  });

  test('a later failure says nothing about the others', async () => {
    const gate = new FirstConnectionGate();
    enter(gate).pass.leave();
    const [second, third] = [enter(gate), enter(gate)];
    second.pass.leave(refused);
    expect(third.failures).toEqual([]);
    expect(await now(third.pass.turn('credential'))).toBe('follower');
  });

  test('after a cut during authentication the next one waits, each time longer, and the fifth cut in a row ends the run', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const gate = new FirstConnectionGate();
    const cut = new CopyError('authentication-lost', 'Cut.');
    const all = Array.from({ length: 7 }, () => enter(gate));
    const turns = all.map(({ pass }) => pass.turn('credential'));
    expect(await now(turns[0]!)).toBe('first');
    for (const [index, pauseMs] of [1000, 2000, 4000, 8000].entries()) {
      expect(all[index]!.pass.leave(cut)).toBe(cut);
      vi.advanceTimersByTime(pauseMs - 1);
      expect(await now(turns[index + 1]!), 'not yet').toBe('waits');
      vi.advanceTimersByTime(1);
      expect(await now(turns[index + 1]!)).toBe('first');
    }
    const last = all[4]!.pass.leave(cut);
    expect(last).toMatchObject({ code: 'authentication-lost', scope: 'run', retry: false, exitCode: 5 });
    expect(all[5]!.failures).toEqual([last]);
    expect(all[6]!.failures).toEqual([last]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('after a cut the others may check the host key at once', async () => {
    const gate = new FirstConnectionGate();
    const [first, second] = [enter(gate), enter(gate)];
    first.pass.leave(new CopyError('authentication-lost', 'Cut.'));
    expect(await now(second.pass.turn('host-key'))).toBe('first');
    second.pass.leave(lost);
  });
});
