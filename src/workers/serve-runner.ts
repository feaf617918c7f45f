/** The worker's side of a worker runner: passes messages to a runner in the worker's thread, and its reports back. */
import type { MessagePort } from 'node:worker_threads';
import type { PieceRunner } from '../engine/runner/piece-runner.ts';
import type { WorkerMessage } from './worker-runner.ts';

export function serveRunner(port: MessagePort, runner: PieceRunner): void {
  runner.onReport((report) => port.postMessage(report));
  port.on('message', (message: WorkerMessage) => {
    if (message.kind !== 'end') return runner.post(message);
    // Once the port is closed, nothing keeps the thread alive.
    void runner.end().finally(() => port.close());
  });
}
