import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cleanEnvironment } from '../support/mtput.ts';
import { run, startProcess } from '../support/process.ts';
import { descendantsOf, isAlive } from '../support/process-tree.ts';
import { repoRoot } from '../support/repo-root.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { byTier, inLongerTiers } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const program = join(repoRoot, 'build/demo/demo.js');

async function home(): Promise<{ dir: TempDir; env: NodeJS.ProcessEnv }> {
  const dir = await makeTempDir('demo-test');
  onTestFinished(dir.remove);
  return { dir, env: { ...cleanEnvironment(dir.path), TMPDIR: dir.path, MT_DEMO_MIB: '40' } };
}

describe('the demo', () => {
  inLongerTiers(() => {
    it('copies the same file up and down, over 1 and over 10 connections, and compares what arrived', {
      timeout: 120_000,
    }, async () => {
      const { dir, env } = await home();
      const { code, stdout, stderr } = await run(process.execPath, [program], { env, timeoutMs: 100_000 });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      for (const direction of ['up', 'down']) {
        for (const connections of ['1 connection', '10 connections']) {
          const line = `${direction} over ${connections} +[\\d.]+ MiB/s +done after [\\d. ]+ s\\n`;
          expect(stdout).toMatch(new RegExp(line));
        }
        expect(Number(new RegExp(`Gain ${direction}: ([\\d.]+)`).exec(stdout)?.[1])).toBeGreaterThan(3);
      }
      expect(stdout.match(/ equal$/gm)).toHaveLength(4);
      expect(new Set(stdout.match(/\b[0-9a-f]{64}\b/g)).size).toBe(1);
      expect(stdout).not.toContain('\x1b');
      expect(await readdir(dir.path)).toEqual([]);
    });
  });

  it.each(byTier(['SIGINT'] as const, ['SIGINT', 'SIGTERM'] as const))(
    'leaves nothing behind on %s',
    async (signal) => {
      const { dir, env } = await home();
      const demo = await startProcess(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      onTestFinished(async () => void (await demo.stopTree()));
      await once(demo.child.stdout!, 'data');
      // Server, proxy and mtput.
      const children = await waitFor(
        () => {
          const all = descendantsOf(demo.pid);
          return all.length >= 3 && all;
        },
        { what: 'all processes of the demo to run' },
      );
      expect(await demo.stop(signal)).toEqual({ code: signal === 'SIGINT' ? 130 : 143, signal: null });
      await waitFor(() => !children.some((child) => isAlive(child)), { what: 'the processes to end' });
      expect(await readdir(dir.path)).toEqual([]);
    },
  );
});
