import { join } from 'node:path';
import { memoryDirectory } from './memory-dir.ts';
import { runOk } from './process.ts';
import { repoRoot } from './repo-root.ts';
import { makeTempDir } from './temp-dir.ts';
import { tier } from './tier.ts';

/** Tests run the built programs: `npx vitest` alone builds them too. Their servers share keys (server-keys.ts). */
export async function setup(): Promise<() => Promise<void>> {
  if (process.env.MT_TEST_BUILT !== '1') {
    await runOk(process.execPath, [join(repoRoot, 'scripts/build.mjs'), '--dev'], { timeoutMs: 120_000 });
  }
  // Disks are slow to sync, above all while others write. The longer tiers sync to a real one.
  const inMemory = tier === 'quick' && process.env.TMPDIR === undefined ? memoryDirectory() : undefined;
  if (inMemory !== undefined) process.env.TMPDIR = inMemory;
  const keys = await makeTempDir('keys');
  process.env.MT_TEST_KEYS = keys.path;
  return keys.remove;
}
