/** A worker thread whose connections go to a remote in memory, which the test that started it can reach too. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { Counters } from '../../src/engine/runner/counters.ts';
import { LocalRunner } from '../../src/engine/runner/local-runner.ts';
import { serveRunner } from '../../src/workers/serve-runner.ts';
import { type MemoryFaults, MemoryRemote, stagedName } from './memory-remote.ts';

export interface MemoryWorkerData {
  readonly faults: Partial<MemoryFaults>;
  readonly counters: SharedArrayBuffer;
  readonly control: MessagePort;
}

export type MemoryCall =
  | { readonly call: 'stage' | 'release' | 'contents' | 'open' | 'readers' }
  | { readonly call: 'put'; readonly path: string; readonly bytes: Uint8Array }
  | { readonly call: 'lose'; readonly connection: number };

const TARGET = '/home/f';

const { faults, counters, control } = workerData as MemoryWorkerData;
const remote = new MemoryRemote(faults);
serveRunner(parentPort!, new LocalRunner(remote, new Counters(counters)));

async function answer(call: MemoryCall): Promise<unknown> {
  switch (call.call) {
    case 'stage': {
      const home = await remote.connect(1000, new AbortController().signal);
      const { token } = await home.stage(Buffer.from(TARGET), 'new');
      await home.close();
      return token;
    }
    case 'release':
      return remote.release();
    case 'contents':
      return remote.contents(stagedName(TARGET));
    case 'open':
      return remote.open;
    case 'readers':
      return remote.readers;
    case 'put':
      return remote.put(call.path, call.bytes);
    case 'lose':
      return remote.lose(call.connection);
  }
}

control.on('message', (call: MemoryCall) => void answer(call).then((result) => control.postMessage(result)));
// The thread ends with its runner.
control.unref();
