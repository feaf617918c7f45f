import { CopyError } from '../errors.ts';
import { isAtTerminal } from './hang-up.ts';

const kinds = {
  SIGINT: { exitCode: 130, message: 'Interrupted' },
  SIGTERM: { exitCode: 143, message: 'Terminated' },
  SIGHUP: { exitCode: 129, message: 'Hung up' },
} as const;

type Signal = keyof typeof kinds;

/** The part of `process` that is used; tests give their own. */
export interface SignalSource {
  on(signal: Signal, listener: () => void): unknown;
  off(signal: Signal, listener: () => void): unknown;
  exit(code: number): unknown;
}

export interface WatchedSignals {
  /** Aborted by the first signal, with a `cancelled` error that has the exit code of that signal. */
  readonly signal: AbortSignal;
  /** Leaves signals to the system again. */
  dispose(): void;
}

/**
 * The first interrupt, termination or hang-up stops the run in order; `onFirst` is told. The second one leaves at once.
 * A hang-up counts only where `hangsUp`: see `hang-up.ts`.
 */
export function watchSignals(
  onFirst: () => void,
  source: SignalSource = process,
  hangsUp: boolean = isAtTerminal(),
): WatchedSignals {
  const controller = new AbortController();
  const names = (Object.keys(kinds) as Signal[]).filter((name) => hangsUp || name !== 'SIGHUP');
  const listeners = names.map((name) => {
    const { exitCode, message } = kinds[name];
    const listener = () => {
      if (controller.signal.aborted) {
        source.exit(exitCode);
        return;
      }
      onFirst();
      controller.abort(new CopyError('cancelled', message, { exitCode }));
    };
    source.on(name, listener);
    return { name, listener };
  });
  return {
    signal: controller.signal,
    dispose() {
      for (const { name, listener } of listeners) source.off(name, listener);
    },
  };
}
