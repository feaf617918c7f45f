import { join } from 'node:path';
import { runOk } from './process.ts';
import { repoRoot } from './repo-root.ts';

/** Tests run the built programs: `npx vitest` alone builds them too. */
export async function setup(): Promise<void> {
  if (process.env.MT_TEST_BUILT === '1') return;
  await runOk(process.execPath, [join(repoRoot, 'scripts/build.mjs'), '--dev'], { timeoutMs: 120_000 });
}
