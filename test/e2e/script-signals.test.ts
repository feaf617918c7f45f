/** A signal ends a script and everything that it has started, whatever it is doing, and nothing is begun after it. */
import { expect, onTestFinished, test } from 'vitest';
import { startProcess } from '../support/process.ts';
import { makeScratchProject, type ScratchProject, type Stage } from '../support/scratch-project.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const RUNS: readonly { script: string; args: readonly string[]; stages: readonly Stage[] }[] = [
  { script: 'install', args: [], stages: ['npm'] },
  { script: 'test', args: [], stages: ['npm', 'tsc', 'vitest'] },
  { script: 'start', args: [], stages: ['npm', 'demo'] },
  { script: 'bench', args: ['wait'], stages: ['npm', 'bench'] },
];
const ALL_CASES = RUNS.flatMap(({ stages, ...run }) => stages.map((stage) => ({ ...run, stage })));
/** All scripts install in the same way, and in the quick tier each is ended in what it is for. */
const QUICK_CASES = RUNS.map(({ stages, ...run }) => ({ ...run, stage: stages.at(-1)! }));
const CASES = byTier(QUICK_CASES, ALL_CASES);

async function scratch(stage: Stage): Promise<ScratchProject> {
  const dir = await makeTempDir('scratch');
  onTestFinished(dir.remove);
  const project = await makeScratchProject(dir, stage);
  onTestFinished(project.kill);
  return project;
}

async function reached(project: ScratchProject, stage: Stage): Promise<void> {
  const isWaiting = async () => (await project.notes()).some((line) => line.startsWith(`${stage} `));
  await waitFor(isWaiting, { what: `the script to be in ${stage}`, timeoutMs: 40_000 });
}

async function expectEnded(project: ScratchProject, stage: Stage): Promise<void> {
  expect(await project.survivors()).toEqual([]);
  expect((await project.notes()).at(-1)).toMatch(new RegExp(`^${stage} `));
  expect(await project.leftovers()).toEqual([]);
}

test.each(CASES)('SIGTERM ends $script in $stage', async ({ script, args, stage }) => {
  const project = await scratch(stage);
  const options = { cwd: project.path, env: project.env, stdio: 'ignore' as const };
  const running = await startProcess(process.execPath, [`scripts/${script}.mjs`, ...args], options);
  onTestFinished(() => void running.stopTree());
  await reached(project, stage);
  running.child.kill('SIGTERM');
  expect(await running.exited).toEqual({ code: 143, signal: null });
  await expectEnded(project, stage);
});

// In the quick tier in what the other signals do not end there.
test.each(byTier(['tsc'] as const, ['vitest', 'npm', 'tsc'] as const))('SIGINT ends the tests in %s', async (stage) => {
  const project = await scratch(stage);
  const options = { cwd: project.path, env: project.env, stdio: 'ignore' as const };
  const running = await startProcess(process.execPath, ['scripts/test.mjs'], options);
  onTestFinished(() => void running.stopTree());
  await reached(project, stage);
  // As npm does: the terminal has sent it too.
  running.child.kill('SIGINT');
  running.child.kill('SIGINT');
  expect(await running.exited).toEqual({ code: 130, signal: null });
  await expectEnded(project, stage);
});

test('without a terminal, a hang-up ends nothing', async () => {
  const project = await scratch('vitest');
  const options = { cwd: project.path, env: project.env, stdio: 'ignore' as const };
  const running = await startProcess(process.execPath, ['scripts/test.mjs'], options);
  onTestFinished(() => void running.stopTree());
  await reached(project, 'vitest');
  running.child.kill('SIGHUP');
  running.child.kill('SIGTERM');
  expect(await running.exited).toEqual({ code: 143, signal: null });
});

test.each([
  ['SIGTERM to npm', (pid: number) => process.kill(pid, 'SIGTERM')],
  ['Ctrl-C, which goes to the whole group,', (pid: number) => process.kill(-pid, 'SIGINT')],
])('%s ends what npm and the script have started', async (_name, send) => {
  const project = await scratch('vitest');
  const npm = await startProcess('npm', ['test'], {
    cwd: project.path,
    // The real one.
    env: { ...project.env, PATH: process.env.PATH },
    stdio: 'ignore',
    detached: true,
  });
  onTestFinished(() => void npm.stopTree());
  await reached(project, 'vitest');
  send(npm.pid);
  const { code, signal } = await npm.exited;
  expect(signal ?? code).not.toBe(0);
  await waitFor(async () => (await project.survivors()).length === 0, { what: 'everything to end', timeoutMs: 20_000 });
  await waitFor(async () => (await project.leftovers()).length === 0, { what: 'files to be removed' });
});
