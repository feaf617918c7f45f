/** What a connection through the proxy is like. A number means both directions. */
export interface Shape {
  /** Of each connection; not limited unless set. */
  bytesPerSecond?: number | Directions;
  /** One way; half of the round trip. */
  delayMs?: number | Directions;
}

/** `up` is from the client to the server. */
export interface Directions {
  up: number;
  down: number;
}

export interface ProxyOptions extends Shape {
  target: { host: string; port: number };
  /** Where to listen; a free port unless set. */
  port?: number;
  /** Over all connections together, which take turns. */
  totalBytesPerSecond?: number | Directions;
  /**
   * All connections wait for the total rate in one queue, first come, first served, which holds so many bytes; what is
   * more is left with its sender, as TCP leaves it. Each direction has its own queue.
   */
  totalQueueBytes?: number;
  /** Connections beyond this many open ones are reset. */
  maxConnections?: number;
  /** All connections are reset once this many bytes have gone up (or down) over all of them. Happens once. */
  resetAllAfter?: Partial<Directions>;
}

/** Which connections: by the order in which they were accepted (from 0), or of those that are open. */
export type Which = number | 'all' | 'oldest' | 'random';

export interface ConnectionStats {
  index: number;
  open: boolean;
  stalled: boolean;
  bytesUp: number;
  bytesDown: number;
}

export interface ProxyStats {
  accepted: number;
  open: number;
  /** The most that were open at one time. */
  mostOpen: number;
  /** Turned away because of maxConnections. */
  refused: number;
  /** Connections cut by the proxy. */
  resets: number;
  bytesUp: number;
  bytesDown: number;
  connections: ConnectionStats[];
}

export function direction(value: number | Directions | undefined, which: keyof Directions, otherwise: number): number {
  if (value === undefined) return otherwise;
  return typeof value === 'number' ? value : value[which];
}
