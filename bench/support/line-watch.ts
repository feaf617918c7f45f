import type { RunningProxy } from '../../test/support/proxy.ts';
import type { LineSample } from './phases.ts';

const SAMPLE_MS = 25;

/** Samples what goes through the proxy; `stop` gives the samples, with the connections numbered from the first new one. */
export async function watchLine(proxy: RunningProxy): Promise<{ stop(): Promise<LineSample[]> }> {
  const before = (await proxy.stats()).connections.length;
  const begin = performance.now();
  const samples: LineSample[] = [];
  let asking: Promise<void> | undefined;
  async function sample(): Promise<void> {
    const { connections } = await proxy.stats();
    const fresh = connections.slice(before).map(({ index, bytesUp }) => ({ index: index - before, bytesUp }));
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
