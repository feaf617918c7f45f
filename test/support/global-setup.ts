import { join } from 'node:path';
import { runOk } from './process.ts';
import { repoRoot } from './repo-root.ts';
import { makeTempDir } from './temp-dir.ts';

/** Tests run the built programs: `npx vitest` alone builds them too. Their servers share keys (server-keys.ts). */
export async function setup(): Promise<() => Promise<void>> {
  if (process.env.MT_TEST_BUILT !== '1') {
    await runOk(process.execPath, [join(repoRoot, 'scripts/build.mjs'), '--dev'], { timeoutMs: 120_000 });
  }
  const keys = await makeTempDir('keys');
  process.env.MT_TEST_KEYS = keys.path;
  return keys.remove;
}
