/** A project with the scripts of this one, in which the programs that they start only wait. */
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isAlive, sendSignal } from './process-tree.ts';
import { repoRoot } from './repo-root.ts';
import type { TempDir } from './temp-dir.ts';

/** Notes that it runs, and its process and one in a session of its own; then it waits. Its argument names it. */
const WAITER = (name: string) => `
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
const away = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' });
appendFileSync(process.env.MT_TEST_NOTES, '${name} ' + process.pid + ' ' + away.pid + '\\n');
setInterval(() => {}, 1000);
`;
const NOTE = (name: string) => `
import { appendFileSync } from 'node:fs';
appendFileSync(process.env.MT_TEST_NOTES, '${name}\\n');
`;

/** What a script does, in order; it waits in the one that is chosen. */
export type Stage = 'npm' | 'tsc' | 'vitest' | 'bench' | 'demo';

export interface ScratchProject {
  readonly path: string;
  readonly env: NodeJS.ProcessEnv;
  /** Lines of what ran: its name, and the processes of what waits. */
  notes(): Promise<string[]>;
  /** Processes that were noted and still run. */
  survivors(): Promise<number[]>;
  /** Names of what was left behind in the directories for temporary files. */
  leftovers(): Promise<string[]>;
  kill(): Promise<void>;
}

export async function makeScratchProject(dir: TempDir, waitsIn: Stage): Promise<ScratchProject> {
  const program = (stage: Stage) => (stage === waitsIn ? WAITER(stage) : NOTE(stage));
  const file = async (path: string, text: string, mode = 0o644): Promise<void> => {
    await mkdir(dirname(dir.file(path)), { recursive: true });
    await writeFile(dir.file(path), text, { mode });
  };
  await cp(join(repoRoot, 'scripts'), dir.file('scripts'), { recursive: true });
  await cp(join(repoRoot, 'package.json'), dir.file('package.json'));
  await file('package-lock.json', JSON.stringify({ packages: { '': {}, 'node_modules/x': { version: '1.0.0' } } }));
  const isInstalled = waitsIn !== 'npm';
  await file(
    'node_modules/.package-lock.json',
    JSON.stringify({ packages: isInstalled ? { 'node_modules/x': { version: '1.0.0' } } : {} }),
  );
  for (const name of ['esbuild', '@esbuild'])
    await symlink(join(repoRoot, 'node_modules', name), dir.file('node_modules', name));
  await file('node_modules/typescript/bin/tsc', program('tsc'));
  await file('node_modules/typescript/package.json', '{ "type": "module" }');
  await file('node_modules/vitest/vitest.mjs', program('vitest'));
  await file('npm.mjs', program('npm'));
  await file('bin/npm', `#!/bin/sh\nexec '${process.execPath}' '${dir.file('npm.mjs')}' "$@"\n`, 0o755);
  for (const path of [
    'src/index.ts',
    'src/workers/worker-main.ts',
    'src/cli/mtput.ts',
    'src/cli/mtget.ts',
    'src/helper/mt-copy-tools-cs.ts',
  ]) {
    await file(path, 'export {};\n');
  }
  await file('demo/demo.ts', program('demo'));
  await file('bench/wait.ts', program('bench'));
  for (const list of ['test/support/server-programs.json', 'bench/support/rival-programs.json']) await file(list, '{}');
  await mkdir(dir.file('tmp'));
  await file('notes', '');
  const env: NodeJS.ProcessEnv = {
    PATH: [dir.file('bin'), dirname(process.execPath), '/usr/bin', '/bin'].join(':'),
    HOME: dir.path,
    TMPDIR: dir.file('tmp'),
    MT_TEST_NOTES: dir.file('notes'),
  };
  const notes = async () => (await readFile(dir.file('notes'), 'utf8')).trimEnd().split('\n');
  const survivors = async () =>
    (await notes()).flatMap((line) => line.split(' ').slice(1).map(Number)).filter((pid) => isAlive({ pid }));
  return {
    path: dir.path,
    env,
    notes,
    survivors,
    leftovers: async () => [
      ...(await readdir(dir.file('tmp'))),
      ...(await readdir(dir.file('node_modules'))).filter((name) => name.startsWith('.mt-copy-tools')),
    ],
    kill: async () => {
      for (const pid of await survivors()) sendSignal(pid, 'SIGKILL');
    },
  };
}
