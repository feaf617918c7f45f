/** Starts worker threads. Only this module knows where their code is. */
import { existsSync } from 'node:fs';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { CopyError } from '../errors.ts';
import type { RemoteSpec } from '../remotes/remote.ts';
import { checkWasmMemory } from '../remotes/sftp/ssh/wasm-memory.ts';

export interface WorkerData {
  readonly spec: RemoteSpec;
  readonly counters: SharedArrayBuffer;
}

/** The name of the asset in a single-file executable. It is CommonJS and includes everything that it needs. */
const ASSET = 'worker.cjs';
/**
 * Where the package has the code, relative to this module: in a chunk or program, in the library, and in the sources.
 */
const PLACES: readonly string[] = [
  '../workers/worker-main.js',
  './workers/worker-main.js',
  '../../dist/workers/worker-main.js',
];

/** The parts of `node:sea` that are used. Node has it from version 20.12 on. */
interface SingleExecutable {
  isSea(): boolean;
  getAsset(name: string, encoding: 'utf8'): string;
}

/** The code of a worker: a file, or a text to run. */
export type WorkerCode = { readonly file: URL } | { readonly text: string };

/** @throws {CopyError} `bug`: the code is missing */
export function findWorkerCode(
  base: string = import.meta.url,
  sea: SingleExecutable | undefined = ownSea(),
): WorkerCode {
  if (sea?.isSea()) return { text: sea.getAsset(ASSET, 'utf8') };
  const file = PLACES.map((place) => new URL(place, base)).find((url) => existsSync(url));
  if (file === undefined) throw new CopyError('bug', 'The code of the worker threads is missing.');
  return { file };
}

/** @throws {CopyError} `no-memory`: see `checkWasmMemory`; `bug`: the code is missing */
export function startWorker(workerData: WorkerData, code: WorkerCode = findWorkerCode()): Worker {
  checkWasmMemory();
  // A worker gets everything that it needs as workerData, so that it has none of the secrets of the environment.
  const options: WorkerOptions = { workerData, env: {}, name: 'mt-copy-tools' };
  return 'file' in code ? new Worker(code.file, options) : new Worker(code.text, { ...options, eval: true });
}

function ownSea(): SingleExecutable | undefined {
  return process.getBuiltinModule?.('node:sea') as SingleExecutable | undefined;
}
