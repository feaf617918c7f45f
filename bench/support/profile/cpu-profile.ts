// What node --cpu-prof writes: samples of a call tree.

export interface CallFrame {
  readonly functionName: string;
  /** Empty for native code and for what is no function, as (idle). */
  readonly url: string;
  /** From 0. */
  readonly lineNumber: number;
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[];
}

/** Times in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly startTime: number;
  readonly endTime: number;
  /** Ids of the nodes that ran. */
  readonly samples: readonly number[];
  /** Before each sample, since the one before it or the start. */
  readonly timeDeltas: readonly number[];
}

/** Time a function spent itself, and the nearest of its callers that has a file. */
export interface SelfTime {
  readonly frame: CallFrame;
  readonly callerUrl: string;
  readonly callerLine: number;
  readonly seconds: number;
}

/** What is found at a sample has run until the next one. */
function secondsOfNodes({ samples, timeDeltas, startTime, endTime }: CpuProfile): Map<number, number> {
  const seconds = new Map<number, number>();
  let time = startTime;
  samples.forEach((id, n) => {
    time += timeDeltas[n] ?? 0;
    const until = n + 1 < samples.length ? time + (timeDeltas[n + 1] ?? 0) : endTime;
    seconds.set(id, (seconds.get(id) ?? 0) + Math.max(0, until - time) / 1e6);
  });
  return seconds;
}

export function selfTimes(profile: CpuProfile): SelfTime[] {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  function callerOf(id: number): Pick<SelfTime, 'callerUrl' | 'callerLine'> {
    for (let at = parents.get(id); at !== undefined; at = parents.get(at)) {
      const frame = byId.get(at)?.callFrame;
      if (frame?.url) return { callerUrl: frame.url, callerLine: frame.lineNumber };
    }
    return { callerUrl: '', callerLine: 0 };
  }
  return [...secondsOfNodes(profile)].flatMap(([id, seconds]) => {
    const node = byId.get(id);
    return node === undefined ? [] : [{ frame: node.callFrame, ...callerOf(id), seconds }];
  });
}
