// npm start: the demo; npm start -- ARGUMENTS: mtput with them. Brings and builds what is missing first.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { build, devBuildIsStale } from './build.mjs';
import { ensurePackages, root } from './install.mjs';

const args = process.argv.slice(2);

ensurePackages();
if (devBuildIsStale()) await build({ dev: true });

const program = args.length > 0 ? 'dist/cli/mtput.js' : 'build/demo/demo.js';
// npm changes to the project's directory; the paths on the command line are meant from where it was typed.
const cwd = process.env.INIT_CWD ?? process.cwd();
const child = spawn(process.execPath, [join(root, program), ...args], { cwd, stdio: 'inherit' });

const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // A terminal sends Ctrl-C to the whole group; a second one would mean "out at once".
    if (signal !== 'SIGINT' || !onTerminal) child.kill(signal);
  });
}
child.on('exit', (code, signal) => {
  process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
});
