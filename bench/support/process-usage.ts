import { readFileSync } from 'node:fs';
import { descendantsOf } from '../../test/support/process-tree.ts';

const TICKS_PER_SECOND = 100;
const LOOK_MS = 250;
/** Where /proc/PID/stat, after the name, has its own user and system time, and those of children it has waited for. */
const OWN = [11, 12] as const;
const WAITED_FOR = [13, 14] as const;

export interface Usage {
  readonly cpuSeconds?: number;
  readonly maxRssMiB?: number;
}

function seconds(pid: number | 'self', [user, system]: readonly [number, number]): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[user]) + Number(fields[system])) / TICKS_PER_SECOND;
}

function peakMiB(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;
}

/**
 * Processor seconds of a tree. What was waited for is exact. A program that does not wait for its children, as lftp,
 * shows by having less than was seen of it while it ran: then what was last seen of them is added.
 */
export function treeSeconds(waitedFor: number, seenOfProgram: number, seenOfOthers: number): number {
  return waitedFor < seenOfProgram + seenOfOthers ? waitedFor + seenOfOthers : waitedFor;
}

/**
 * Watches a program and what it starts; `stop` after it has ended. Linux only, nothing elsewhere. Other children of
 * this process must not end meanwhile.
 */
export function watchUsage(): { readonly begin: (pid: number) => void; readonly stop: () => Usage } {
  if (process.platform !== 'linux') return { begin: () => {}, stop: () => ({}) };
  const waitedBefore = seconds('self', WAITED_FOR);
  const seen = new Map<number, number>();
  let peak = 0;
  let program = 0;
  let timer: NodeJS.Timeout | undefined;
  function look(): void {
    for (const pid of [program, ...descendantsOf(program).map((info) => info.pid)]) {
      try {
        seen.set(pid, seconds(pid, OWN));
        peak = Math.max(peak, peakMiB(pid));
      } catch {
        // It has ended in between.
      }
    }
  }
  return {
    begin: (pid) => {
      program = pid;
      timer = setInterval(look, LOOK_MS);
    },
    stop: () => {
      clearInterval(timer);
      const others = [...seen].filter(([pid]) => pid !== program).reduce((sum, [, one]) => sum + one, 0);
      const waitedFor = seconds('self', WAITED_FOR) - waitedBefore;
      const cpuSeconds = treeSeconds(waitedFor, seen.get(program) ?? 0, others);
      // One that ended before the first look at it has no figure.
      return { cpuSeconds, ...(peak > 0 && { maxRssMiB: peak }) };
    },
  };
}
