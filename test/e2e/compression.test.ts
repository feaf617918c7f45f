/** `-C`: both sides compress what they send, where the server can. */
import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { NAME, sceneForTest } from '../support/copy-scene.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { allDirections } from '../support/directions.ts';
import { expectArrivedIn } from '../support/expect-arrived.ts';
import { proftpdForTest, proxyForTest, sshdForTest } from '../support/for-one-test.ts';
import { sha256Of } from '../support/random-file.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';

const SIZE = 20_000_000;
/** Long runs of the same bytes, and no two alike. */
const LINES = Buffer.from(Array.from({ length: SIZE / 100 }, (_, line) => `${line}`.padEnd(99, '.')).join('\n'));

const SERVERS: readonly (readonly [string, () => Promise<TestServer>, boolean])[] = [
  ['sshd', () => sshdForTest(), true],
  ['proftpd', () => proftpdForTest('SFTPCompression delayed'), true],
  ['sshd without compression', () => sshdForTest({ config: ['Compression no'] }), false],
  ['proftpd without compression', () => proftpdForTest(), false],
];

describeWithServers(['sshd', 'proftpd'], '-C', () => {
  const cases = SERVERS.flatMap(([name, start, can]) =>
    allDirections.map((direction) => ({ name, start, can, direction })),
  );
  // The quick tier has each server and each direction once.
  const quick = cases.filter(({ name, direction }) =>
    ['sshd up', 'proftpd down', 'sshd without compression down'].includes(`${name} ${direction}`),
  );
  it.each(byTier(quick, cases))('$name, $direction', async ({ start, can, direction }) => {
    const server = await start();
    const scene = await sceneForTest(direction, server, 1);
    await writeFile(scene.source.path, LINES);
    const proxy = await proxyForTest(server, {});
    const run = await scene.run(['-C', '-n', '3'], proxy.port);
    await expectArrivedIn(run, scene.directory, NAME, { sha256: await sha256Of(scene.source.path) });
    const { bytesUp, bytesDown } = await proxy.stats();
    if (can) expect(bytesUp + bytesDown).toBeLessThan(LINES.length / 5);
    else expect(bytesUp + bytesDown).toBeGreaterThan(LINES.length);
  });
});
