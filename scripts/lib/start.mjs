import { join } from 'node:path';
import { build, devBuildIsStale } from './build-project.mjs';
import { run } from './children.mjs';
import { main } from './main.mjs';
import { ensurePackages } from './npm-packages.mjs';
import { root } from './root.mjs';

const args = process.argv.slice(2);

await main('npm start failed', async () => {
  await ensurePackages();
  if (devBuildIsStale()) await build({ dev: true });
  const program = args.length > 0 ? 'dist/cli/mtput.js' : 'build/demo/demo.js';
  // npm changes to the project's directory; the paths on the command line are meant from where it was typed.
  const cwd = process.env.INIT_CWD ?? process.cwd();
  return await run(process.execPath, [join(root, program), ...args], { kind: 'foreground', cwd, stdio: 'inherit' });
});
