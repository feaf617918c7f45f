import { describe, expect, onTestFinished, test } from 'vitest';
import { CopyError } from '../../../../../src/errors.ts';
import { FirstConnectionGate } from '../../../../../src/remotes/sftp/ssh/first-connection-gate.ts';
import { HostKeyCheck } from '../../../../../src/remotes/sftp/ssh/host-key-check.ts';
import type { HostKeyVerdict } from '../../../../../src/remotes/sftp/ssh/host-key-policy.ts';
import { PatientDeadline } from '../../../../../src/remotes/sftp/ssh/patient-deadline.ts';
import { type Deferred, deferred } from '../../../../../src/util/deferred.ts';

const key = Buffer.from('key');
const other = Buffer.from('other');
const verdict: HostKeyVerdict = { arePasswordsAllowed: false };
const changed = new CopyError('host-key-changed', 'x');

/** A transport whose policy takes note of what it is asked, and answers when the test says so. */
class Transport {
  readonly gate = new FirstConnectionGate();
  readonly asked: { readonly keys: readonly string[]; readonly answer: Deferred<HostKeyVerdict> }[] = [];
  readonly shared: ConstructorParameters<typeof HostKeyCheck>[0] = {
    policy: {
      check: (blob) => this.#ask(blob),
      checkAgain: async (blob, accepted) => void (await this.#ask(blob, accepted)),
    },
  };

  get questions(): (readonly string[])[] {
    return this.asked.map(({ keys }) => keys);
  }

  connect() {
    const failures: CopyError[] = [];
    const answers: boolean[] = [];
    const state = { isOver: false };
    const pass = this.gate.enter(() => {});
    const deadline = new PatientDeadline(60_000, () => {});
    onTestFinished(() => deadline.end());
    const check = new HostKeyCheck(this.shared, pass, deadline, {
      isOver: () => state.isOver,
      fail: (error) => failures.push(error),
    });
    /** The returned value, while `answers` gets what was answered later. */
    const show = (blob: Buffer): true | undefined => check.verify(blob, (right) => answers.push(right));
    return { pass, state, failures, answers, show };
  }

  #ask(...keys: Uint8Array[]): Promise<HostKeyVerdict> {
    const answer = deferred<HostKeyVerdict>();
    this.asked.push({ keys: keys.map(String), answer });
    return answer.promise;
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A transport and its first connection. */
function begun() {
  const transport = new Transport();
  return { transport, first: transport.connect() };
}

/** The same when the connection has accepted `key`. */
async function accepted() {
  const { transport, first } = begun();
  first.show(key);
  await settled();
  transport.asked[0]!.answer.resolve(verdict);
  await settled();
  return { transport, first };
}

const exchanges = [
  ['first', begun],
  ['later', accepted],
] as const;

describe('HostKeyCheck', () => {
  test('the first connection has the policy judge its key, and tells the others', async () => {
    const { transport, first } = begun();
    expect(first.show(key)).toBeUndefined();
    await settled();
    expect(transport.questions).toEqual([['key']]);
    expect(first.answers).toEqual([]);
    transport.asked[0]!.answer.resolve(verdict);
    await settled();
    expect(first.answers).toEqual([true]);
    expect(transport.shared.hostKey).toEqual({ arePasswordsAllowed: false, blob: key });
  });

  test('the bytes may be overwritten once they were shown', async () => {
    const { transport, first } = begun();
    const shown = Buffer.from(key);
    first.show(shown);
    shown.fill(0);
    await settled();
    transport.asked[0]!.answer.resolve(verdict);
    await settled();
    expect(transport.questions).toEqual([['key']]);
    expect(first.show(key)).toBe(true);
  });

  test('later exchanges: the same key is accepted by the returned value, another one is compared with it', async () => {
    const { transport, first } = await accepted();
    expect(first.show(Buffer.from(key))).toBe(true);
    await settled();
    expect(first.answers).toEqual([true]);
    expect(transport.asked).toHaveLength(1);
    expect(first.show(other)).toBeUndefined();
    await settled();
    expect(transport.questions[1]).toEqual(['other', 'key']);
    transport.asked[1]!.answer.resolve(verdict);
    await settled();
    expect(first.answers).toEqual([true, true]);
    expect(first.show(other)).toBe(true);
  });

  test('the others wait for the first one, and compare their key with its key', async () => {
    const transport = new Transport();
    const [first, second] = [transport.connect(), transport.connect()];
    second.show(other);
    first.show(key);
    await settled();
    expect(transport.questions).toEqual([['key']]);
    transport.asked[0]!.answer.resolve(verdict);
    await settled();
    expect(transport.questions).toEqual([['key'], ['other', 'key']]);
    transport.asked[1]!.answer.resolve(verdict);
    await settled();
    expect(second.answers).toEqual([true]);
    expect(transport.shared.hostKey?.blob).toEqual(key);
    expect(second.show(other)).toBe(true);
  });

  test.each(exchanges)('a refused key fails the connection without an answer: %s exchange', async (_, prepare) => {
    const { transport, first } = await prepare();
    const before = first.answers.length;
    first.show(other);
    await settled();
    transport.asked.at(-1)!.answer.reject(changed);
    await settled();
    expect(first.failures).toEqual([changed]);
    expect(first.answers).toHaveLength(before);
    expect(first.show(other)).toBeUndefined();
  });

  test.each(exchanges)(
    'a connection that is over meanwhile stores and answers nothing: %s exchange',
    async (_, prepare) => {
      const { transport, first } = await prepare();
      const before = { answers: [...first.answers], hostKey: transport.shared.hostKey };
      first.show(other);
      await settled();
      first.state.isOver = true;
      transport.asked.at(-1)!.answer.resolve(verdict);
      await settled();
      expect({ answers: first.answers, hostKey: transport.shared.hostKey }).toEqual(before);
      expect(first.failures).toEqual([]);
      expect(first.show(other)).toBeUndefined();
    },
  );
});
