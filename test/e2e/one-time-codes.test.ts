/** A server that wants a code with every login, each good once. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { TransferEvent } from '../../src/engine/events.ts';
import { type PutOptions, put, type TransferResult } from '../../src/index.ts';
import { deferred } from '../../src/util/deferred.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { sourceForTest, tempDirForTest } from '../support/for-one-test.ts';
import { ownSshServer } from '../support/own-ssh-server.ts';

const ANSWER_MS = 500;

interface Scene {
  readonly result: TransferResult;
  readonly elapsedMs: number;
  readonly events: readonly TransferEvent[];
  /** What the server was shown. */
  readonly shown: readonly string[];
  readonly asked: number;
}

/**
 * Copies a file to a server that lets each of `codes` in once. The user answers with them in turn, and then with
 * nothing. SFTP begins when `logins` codes have been judged: else the file might be there before.
 */
async function copyWith(codes: readonly string[], logins: number, options: Partial<PutOptions>): Promise<Scene> {
  const home = await tempDirForTest();
  const source = await sourceForTest(20_000_000);
  const shown: string[] = [];
  const left = new Set(codes);
  const judged = deferred<void>();
  const { port } = await ownSshServer({
    home: home.path,
    begins: judged.promise,
    judge: () => (context) => {
      if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
      context.prompt([{ prompt: 'Code: ', echo: false }], ([code = '']) => {
        if (shown.push(code) === logins) judged.resolve();
        if (left.delete(code)) context.accept();
        else context.reject(['keyboard-interactive']);
      });
    },
  });
  const events: TransferEvent[] = [];
  let asked = 0;
  const began = performance.now();
  const result = await put(
    {
      sources: [source.path],
      destination: 'arrived.bin',
      limitBytesPerSecond: 10_000_000,
      ssh: {
        ...{ host: '127.0.0.1', port, user: 'me' },
        options: ['UserKnownHostsFile=none', 'GlobalKnownHostsFile=none', 'StrictHostKeyChecking=accept-new'],
      },
      ...options,
    },
    {
      environment: { XDG_STATE_HOME: home.file('state') },
      interaction: {
        secret: async () => {
          await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
          return codes[asked++];
        },
        trustHostKey: async () => false,
      },
      onEvent: (event) => events.push(event),
    },
  );
  expect(result).toMatchObject({ exitCode: 0 });
  expect((await readFile(home.file('arrived.bin'))).length).toBe(source.size);
  return { result, elapsedMs: performance.now() - began, events, shown, asked };
}

function told({ events }: Scene): string[] {
  const lines = events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
  return lines.filter((line) => line.includes('one-time codes'));
}

describeWithServers(['sftp-server'], 'one-time codes', () => {
  it('are asked for once and shown twice at most, and the rest is told', async () => {
    const scene = await copyWith(['1234'], 2, {});
    expect(scene.result).toMatchObject({ exitCode: 0, connectionsUsed: 1 });
    // A person who looks for a telephone does not make the transfer slower.
    expect(scene.elapsedMs - scene.result.elapsedMs).toBeGreaterThanOrEqual(ANSWER_MS - 5);
    expect(scene.asked).toBe(1);
    expect(scene.shown).toEqual(['1234', '1234']);
    expect(told(scene)).toEqual([expect.stringMatching(/as with one-time codes\. 1 connection remains\.$/)]);
    const attempts = scene.events.filter((event) => event.type === 'connection' && event.state === 'opening');
    expect(attempts.length).toBeLessThanOrEqual(10);
  });

  it('are asked for one after another where a number of connections was asked for', async () => {
    const scene = await copyWith(['11', '22', '33'], 4, { connections: 3 });
    expect(scene.result).toMatchObject({ exitCode: 0, connectionsUsed: 3 });
    expect(scene).toMatchObject({ asked: 3, shown: ['11', '11', '22', '33'] });
    expect(told(scene)).toEqual([]);
  });

  it('are not asked for again where one was not answered', async () => {
    const scene = await copyWith(['11', '22'], 4, { connections: 4 });
    expect(scene.result).toMatchObject({ exitCode: 0, connectionsUsed: 2 });
    // The third question has no answer, and there is no fourth one.
    expect(scene.asked).toBe(3);
    expect(told(scene)).toHaveLength(1);
  });
});
