import type { Directions, ProxyOptions, ProxyStats, Shape, Which } from './shaping.ts';

/** What the proxy's process can be asked: name, arguments, result. */
export interface ProxyCalls {
  start(options: ProxyOptions): number;
  stats(): ProxyStats;
  reset(which: Which): number;
  resetEvery(intervalMs: number): void;
  stall(which: Which, only?: keyof Directions): void;
  resume(which: Which): void;
  reshape(which: Which, shape: Shape): void;
}

export interface ProxyRequest {
  id: number;
  call: keyof ProxyCalls;
  args: unknown[];
}

export interface ProxyReply {
  id: number;
  result?: unknown;
  error?: string;
}
