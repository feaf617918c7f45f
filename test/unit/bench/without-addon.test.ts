import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../../support/process.ts';
import { repoRoot } from '../../support/repo-root.ts';

const PRELOAD = join(repoRoot, 'bench/support/without-addon.cjs');
// ssh2 itself goes on without its addon; whether it was found is seen by what the process has loaded.
const PROGRAM = `
  require('ssh2');
  const loaded = Object.keys(require.cache).some((path) => path.endsWith('sshcrypto.node'));
  process.stdout.write(String(loaded));
`;

describe('without-addon', () => {
  it('keeps ssh2 from finding its native addon, in threads too', async () => {
    const inThread = `new (require('node:worker_threads').Worker)(${JSON.stringify(PROGRAM)}, { eval: true })`;
    for (const program of [PROGRAM, inThread]) {
      const { stdout, stderr } = await run(process.execPath, ['--require', PRELOAD, '-e', program], { cwd: repoRoot });
      expect({ stdout, stderr }).toEqual({ stdout: 'false', stderr: '' });
    }
  });
});
