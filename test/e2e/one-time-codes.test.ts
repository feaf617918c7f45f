/** A server that wants a code with every login, each good once: the file arrives by the one connection that is in. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import ssh2 from 'ssh2';
import { expect, it, onTestFinished } from 'vitest';
import type { TransferEvent } from '../../src/engine/events.ts';
import { put } from '../../src/index.ts';
import { deferred } from '../../src/util/deferred.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { sourceForTest, tempDirForTest } from '../support/for-one-test.ts';
import { requireServer } from '../support/servers.ts';
import { makeSsh2Key } from '../support/ssh2-key.ts';

const ANSWER_MS = 500;

/** An SSH server whose sftp subsystem is the real one. */
async function serverWithCodes(home: string, shown: string[]): Promise<number> {
  const program = requireServer('sftp-server');
  const codes = new Set(['1234']);
  // SFTP begins when the second code has been judged: else the file might be there before.
  const secondShown = deferred<void>();
  const server = new ssh2.Server({ hostKeys: [makeSsh2Key().private] }, (client) => {
    client.on('error', () => {});
    client.on('authentication', (context) => {
      if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
      context.prompt([{ prompt: 'Code: ', echo: false }], ([code = '']) => {
        if (shown.push(code) === 2) secondShown.resolve();
        if (codes.delete(code)) context.accept();
        else context.reject(['keyboard-interactive']);
      });
    });
    client.on('session', (accept) => {
      accept().on('subsystem', (acceptSubsystem) => {
        const channel = acceptSubsystem();
        const child = spawn(program, { cwd: home, stdio: ['pipe', 'pipe', 'ignore'] });
        channel.pipe(child.stdin).on('error', () => {});
        void secondShown.promise.then(() => child.stdout.pipe(channel).on('error', () => {}));
        channel.on('close', () => child.kill());
        onTestFinished(() => void child.kill());
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describeWithServers(['sftp-server'], 'one-time codes', () => {
  it('are shown twice at most, and the rest is told', async () => {
    const home = await tempDirForTest();
    const source = await sourceForTest(4_000_000);
    const shown: string[] = [];
    const port = await serverWithCodes(home.path, shown);
    const events: TransferEvent[] = [];
    let asked = 0;
    const began = performance.now();
    const result = await put(
      {
        sources: [Buffer.from(source.path)],
        destination: Buffer.from('arrived.bin'),
        connections: 10,
        pieceSize: 64 * 1024,
        limitBytesPerSecond: 2_000_000,
        ssh: {
          host: '127.0.0.1',
          port,
          user: 'me',
          options: ['UserKnownHostsFile=none', 'GlobalKnownHostsFile=none', 'StrictHostKeyChecking=accept-new'],
        },
      },
      {
        environment: { XDG_STATE_HOME: home.file('state') },
        interaction: {
          secret: async () => {
            asked++;
            await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
            return '1234';
          },
          trustHostKey: async () => false,
        },
        onEvent: (event) => events.push(event),
      },
    );
    expect(result).toMatchObject({ exitCode: 0 });
    // A person who looks for a telephone does not make the transfer slower.
    expect(performance.now() - began - result.elapsedMs).toBeGreaterThanOrEqual(ANSWER_MS - 5);
    expect((await readFile(home.file('arrived.bin'))).length).toBe(source.size);
    expect(asked).toBe(1);
    expect(shown).toEqual(['1234', '1234']);
    const lines = events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
    expect(lines.filter((line) => line.includes('one-time codes'))).toEqual([
      expect.stringMatching(/as with one-time codes\. 1 connection remains\.$/),
    ]);
    const attempts = events.filter((event) => event.type === 'connection' && event.state === 'opening');
    expect(attempts.length).toBeLessThanOrEqual(10);
  });
});
