import { once } from 'node:events';
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { Counters } from '../../src/engine/runner/counters.ts';
import type { StageToken } from '../../src/remotes/remote.ts';
import type { MemoryFaults } from './memory-remote.ts';
import type { MemoryCall, MemoryWorkerData } from './memory-worker-main.ts';
import { repoRoot } from './repo-root.ts';

/** A remote in the memory of a worker thread. */
export interface MemoryWorker {
  readonly worker: Worker;
  stage(): Promise<StageToken>;
  put(path: string, bytes: Uint8Array): Promise<void>;
  lose(connection: number): Promise<void>;
  release(): Promise<void>;
  contents(): Promise<Buffer>;
  open(): Promise<readonly number[]>;
  readers(): Promise<number>;
}

export function startMemoryWorker(faults: Partial<MemoryFaults>, counters: Counters): MemoryWorker {
  const { port1: control, port2 } = new MessageChannel();
  const workerData: MemoryWorkerData = { faults, counters: counters.buffer, control: port2 };
  const code = join(repoRoot, 'build/test/support/memory-worker-main.js');
  const worker = new Worker(code, { workerData, transferList: [port2] });
  let before: Promise<unknown> = Promise.resolve();
  // One at a time: answers carry no number. A thread that is gone answers nothing.
  const ask = (call: MemoryCall): Promise<unknown> => {
    const answered = before.then(async () => {
      if (worker.threadId === -1) return undefined;
      control.postMessage(call);
      const [answer] = await Promise.race([once(control, 'message'), once(worker, 'exit').then(() => [])]);
      return answer as unknown;
    });
    before = answered;
    return answered;
  };
  worker.once('exit', () => control.close());
  return {
    worker,
    stage: () => ask({ call: 'stage' }) as Promise<StageToken>,
    put: (path, bytes) => ask({ call: 'put', path, bytes }) as Promise<void>,
    lose: (connection) => ask({ call: 'lose', connection }) as Promise<void>,
    release: () => ask({ call: 'release' }) as Promise<void>,
    contents: async () => Buffer.from((await ask({ call: 'contents' })) as Uint8Array),
    open: async () => ((await ask({ call: 'open' })) as readonly number[] | undefined) ?? [],
    readers: () => ask({ call: 'readers' }) as Promise<number>,
  };
}
