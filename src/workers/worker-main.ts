/** The code of a worker thread. It opens connections of its own, to the remote that `workerData` describes. */
import { parentPort, workerData } from 'node:worker_threads';
import { Counters } from '../engine/runner/counters.ts';
import { LocalRunner } from '../engine/runner/local-runner.ts';
import { openRemote } from '../remotes/open-remote.ts';
import { serveRunner } from './serve-runner.ts';
import type { WorkerData } from './start-worker.ts';

const { spec, counters } = workerData as WorkerData;
serveRunner(parentPort!, new LocalRunner(openRemote(spec), new Counters(counters)));
