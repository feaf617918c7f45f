import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { watchSignals } from '../../../src/cli/signals.ts';

function source() {
  return Object.assign(new EventEmitter(), { exit: vi.fn() });
}

describe('signals', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s stops the run once and leaves the second time', (name, exitCode) => {
    const from = source();
    const onFirst = vi.fn();
    const { signal } = watchSignals(onFirst, from, true);
    from.emit(name);
    expect(signal.reason).toMatchObject({ code: 'cancelled', exitCode, advice: 'Run the same command again.' });
    expect(from.exit).not.toHaveBeenCalled();
    from.emit('SIGTERM');
    expect(from.exit).toHaveBeenCalledWith(143);
    expect(onFirst).toHaveBeenCalledTimes(1);
  });

  it('leaves a hang-up alone that does not concern it', () => {
    const from = source();
    const { signal } = watchSignals(() => {}, from, false);
    expect(from.eventNames()).toEqual(['SIGINT', 'SIGTERM']);
    expect(signal.aborted).toBe(false);
  });

  it('leaves signals alone afterwards', () => {
    const from = source();
    const watched = watchSignals(() => {}, from, true);
    watched.dispose();
    expect(from.eventNames()).toEqual([]);
    expect(watched.signal.aborted).toBe(false);
  });
});
