import { constants } from 'node:os';

const actions = new Set<() => void>();
let hooked = false;

function endBySignal(signal: NodeJS.Signals): void {
  // Somebody else who listens has plans of their own, and will end the process in their time.
  if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal]);
}

/** The last resort of a test process that is ended before it has cleaned up; returns what takes the action back. */
export function atExit(action: () => void): () => void {
  actions.add(action);
  if (!hooked) {
    hooked = true;
    // The last thing made goes first: a server before its directory.
    process.on('exit', () => {
      for (const one of [...actions].reverse()) one();
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, endBySignal);
  }
  return () => void actions.delete(action);
}
