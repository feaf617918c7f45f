/**
 * A line on which everything goes wrong for a long time, at random. The seed of a round that failed is in its title.
 */
import { randomInt } from 'node:crypto';
import { it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import { proftpdForTest, proxyForTest, sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { startLiveRun } from '../support/live-run.ts';
import type { RunningProxy } from '../support/proxy.ts';

const MB = 1_000_000;
const ROUNDS = 20;
const firstSeed = randomInt(1_000_000);

/** Numbers in [0, 1) that the seed decides (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One thing after another goes wrong, until `isOver`. */
async function disturb(proxy: RunningProxy, random: () => number, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await new Promise((resolve) => setTimeout(resolve, 200 + random() * 1300));
    const kind = random();
    if (kind < 0.5) await proxy.reset('random');
    else if (kind < 0.6) await proxy.reset('all');
    else if (kind < 0.8) await proxy.stall('random');
    else await proxy.reshape('random', { bytesPerSecond: 50_000 + random() * 5 * MB, delayMs: random() * 100 });
  }
}

describeWithServers(['sshd', 'proftpd'], 'over a bad line', () => {
  const seeds = Array.from({ length: ROUNDS }, (_, round) => firstSeed + round);
  it.each(seeds)('a file arrives whole (seed %i)', { timeout: 300_000 }, async (seed) => {
    const random = randomFrom(seed);
    const server = await (random() < 0.5 ? sshdForTest() : proftpdForTest());
    const source = await sourceForTest(Math.floor(10 * MB + random() * 90 * MB));
    const proxy = await proxyForTest(server, { bytesPerSecond: 4 * MB, delayMs: 10 });
    const connections = `${3 + Math.floor(random() * 9)}`;
    const to = { server, port: proxy.port, path: 'arrived.bin' };
    const run = await startLiveRun([source.path], to, ['-n', connections, '-s', '1M', '--stall-timeout', '5s']);
    await run.event('progress', ({ bytesDone }) => bytesDone > 0);
    let isOver = false;
    const disturbing = disturb(proxy, random, () => isOver);
    try {
      await expectArrived(await run.end(240_000), server, 'arrived.bin', source);
    } finally {
      isOver = true;
      await disturbing;
    }
  });
});
