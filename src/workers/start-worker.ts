/** Starts worker threads; the one place that knows where their code is. */
import { existsSync } from 'node:fs';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { CopyError } from '../errors.ts';
import type { RemoteSpec } from '../remotes/remote.ts';
import { checkWasmMemory } from '../remotes/sftp/ssh/wasm-memory.ts';

export interface WorkerData {
  readonly spec: RemoteSpec;
  readonly counters: SharedArrayBuffer;
}

/** The name of the asset in a single-file executable: CommonJS, everything it needs included. */
const ASSET = 'worker.cjs';
/** As the package has it, from a chunk or program, from the library, and from its own sources. */
const PLACES: readonly string[] = [
  '../workers/worker-main.js',
  './workers/worker-main.js',
  '../../dist/workers/worker-main.js',
];

/** The parts of `node:sea` that are used; it is there from Node 20.12 on. */
interface SingleExecutable {
  isSea(): boolean;
  getAsset(name: string, encoding: 'utf8'): string;
}

/** Code of a worker: a file, or a text to run. */
export type WorkerCode = { readonly file: URL } | { readonly text: string };

/** @throws {CopyError} `bug` where it is missing */
export function findWorkerCode(
  base: string = import.meta.url,
  sea: SingleExecutable | undefined = ownSea(),
): WorkerCode {
  if (sea?.isSea()) return { text: sea.getAsset(ASSET, 'utf8') };
  const file = PLACES.map((place) => new URL(place, base)).find((url) => existsSync(url));
  if (file === undefined) throw new CopyError('bug', 'The code of the worker threads is missing.');
  return { file };
}

/** @throws {CopyError} `no-memory`; `bug` where its code is missing */
export function startWorker(workerData: WorkerData, code: WorkerCode = findWorkerCode()): Worker {
  checkWasmMemory();
  // A worker gets what it needs as workerData, and none of the secrets of the environment.
  const options: WorkerOptions = { workerData, env: {}, name: 'mt-copy-tools' };
  return 'file' in code ? new Worker(code.file, options) : new Worker(code.text, { ...options, eval: true });
}

function ownSea(): SingleExecutable | undefined {
  return process.getBuiltinModule?.('node:sea') as SingleExecutable | undefined;
}
