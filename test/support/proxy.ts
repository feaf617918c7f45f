import { fork } from 'node:child_process';
import { join } from 'node:path';
import { atExit } from './at-exit.ts';
import type { ProxyCalls, ProxyReply, ProxyRequest } from './proxy-messages.ts';
import { repoRoot } from './repo-root.ts';
import type { Directions, ProxyOptions, ProxyStats, Shape, Which } from './shaping.ts';

export type { Directions, ProxyOptions, ProxyStats, Shape, Which } from './shaping.ts';

/** The shaping proxy in its own process. */
export interface RunningProxy {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  stats(): Promise<ProxyStats>;
  /** RST to both sides; returns how many connections were cut. */
  reset(which: Which): Promise<number>;
  /** Resets a random open connection at this interval; 0 ends that. */
  resetEvery(intervalMs: number): Promise<void>;
  /** Connections stay open and no byte goes through, in either direction or in one; `all` includes those to come. */
  stall(which: Which, only?: keyof Directions): Promise<void>;
  resume(which: Which): Promise<void>;
  /** Another rate or delay from now on; `all` includes connections to come. */
  reshape(which: Which, shape: Shape): Promise<void>;
  stop(): Promise<void>;
}

const PROGRAM = 'build/test/support/shaping-proxy-main.js';

export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const child = fork(join(repoRoot, PROGRAM), [], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.once(
    'exit',
    atExit(() => child.kill('SIGKILL')),
  );
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  let gone = false;

  child.on('message', (reply: ProxyReply) => {
    const call = pending.get(reply.id);
    pending.delete(reply.id);
    if (reply.error === undefined) call?.resolve(reply.result);
    else call?.reject(new Error(reply.error));
  });
  exited.then(() => {
    gone = true;
    for (const { reject } of pending.values()) reject(new Error('The proxy has ended'));
    pending.clear();
  });

  function ask<K extends keyof ProxyCalls>(
    call: K,
    ...args: Parameters<ProxyCalls[K]>
  ): Promise<ReturnType<ProxyCalls[K]>> {
    if (gone) return Promise.reject(new Error('The proxy has ended'));
    const request: ProxyRequest = { id: ++lastId, call, args };
    return new Promise((resolve, reject) => {
      pending.set(request.id, { resolve: (value) => resolve(value as ReturnType<ProxyCalls[K]>), reject });
      child.send(request, (error) => error && reject(error));
    });
  }

  async function stop(): Promise<void> {
    child.kill('SIGKILL');
    await exited;
  }

  try {
    const port = await ask('start', options);
    return {
      host: '127.0.0.1',
      port,
      pid: child.pid as number,
      stats: () => ask('stats'),
      reset: (which) => ask('reset', which),
      resetEvery: (intervalMs) => ask('resetEvery', intervalMs),
      stall: (which, only) => ask('stall', which, only),
      resume: (which) => ask('resume', which),
      reshape: (which, shape) => ask('reshape', which, shape),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
