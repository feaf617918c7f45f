import type { RunningProxy } from '../../test/support/proxy.ts';
import { bytesOf, type Direction } from './direction.ts';
import type { LineSample } from './phases.ts';

const SAMPLE_MS = 25;

/**
 * Samples what goes through the proxy in one direction; `stop` gives the samples, with the connections numbered from
 * the first new one.
 */
export async function watchLine(proxy: RunningProxy, direction: Direction): Promise<{ stop(): Promise<LineSample[]> }> {
  const before = (await proxy.stats()).connections.length;
  const begin = performance.now();
  const samples: LineSample[] = [];
  let asking: Promise<void> | undefined;
  async function sample(): Promise<void> {
    const { connections } = await proxy.stats();
    const fresh = connections
      .slice(before)
      .map((one) => ({ index: one.index - before, bytes: bytesOf(one, direction) }));
    samples.push({ seconds: (performance.now() - begin) / 1000, connections: fresh });
  }
  const timer = setInterval(() => {
    asking ??= sample().finally(() => {
      asking = undefined;
    });
  }, SAMPLE_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await asking;
      await sample();
      return samples;
    },
  };
}
