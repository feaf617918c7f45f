import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { Counters } from '../../../src/engine/runner/counters.ts';
import { findWorkerCode, startWorker, type WorkerData } from '../../../src/workers/start-worker.ts';
import { tempDirForTest } from '../../support/for-one-test.ts';
import { repoRoot } from '../../support/repo-root.ts';

const workerData: WorkerData = { spec: { protocol: 'none' }, counters: new Counters().buffer };

test.each(['chunks/chunk-1.js', 'cli/mtput.js', 'index.js'])('the package has the code beside %s', async (from) => {
  const dir = await tempDirForTest();
  await mkdir(dir.file('workers'));
  await writeFile(dir.file('workers/worker-main.js'), '');
  const base = pathToFileURL(dir.file(from)).href;
  expect(findWorkerCode(base)).toEqual({ file: pathToFileURL(dir.file('workers/worker-main.js')) });
});

test('a single-file executable has it as an asset', () => {
  const sea = { isSea: () => true, getAsset: (name: string) => `the text of ${name}` };
  expect(findWorkerCode('file:///nowhere/else/mtput', sea)).toEqual({ text: 'the text of worker.cjs' });
});

test('code that is missing is a bug of ours', () => {
  const sea = { isSea: () => false, getAsset: () => '' };
  expect(() => findWorkerCode('file:///nowhere/else/mtput', sea)).toThrow(expect.objectContaining({ code: 'bug' }));
});

test('a text runs as a thread, and gets what a file would get, but nothing of the environment', async () => {
  process.env['MT_COPY_PASSWORD'] = 'a secret';
  const text = `const { parentPort, workerData } = require('node:worker_threads');
    parentPort.postMessage([workerData.spec.protocol, Object.keys(process.env)]);`;
  const worker = startWorker(workerData, { text });
  delete process.env['MT_COPY_PASSWORD'];
  expect(await once(worker, 'message')).toEqual([['none', []]]);
  await once(worker, 'exit');
});

test('the code of the worker still runs when all of it is one text, as an executable has it', async () => {
  const { outputFiles } = await build({
    absWorkingDir: repoRoot,
    entryPoints: ['src/workers/worker-main.ts'],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['*.node', 'cpu-features'],
    write: false,
  });
  const worker = startWorker(workerData, { text: outputFiles[0]!.text });
  const [error] = await once(worker, 'error');
  expect(error).toMatchObject({ message: expect.stringContaining('no protocol none') });
});

test('the thread of the package cannot do without a protocol that it knows', async () => {
  const worker = startWorker(workerData);
  const [error] = await once(worker, 'error');
  expect(error).toMatchObject({ message: expect.stringContaining('no protocol none') });
});
