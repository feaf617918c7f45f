// Finds and ends processes that descend from one of ours, including those that left its process group.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** `pid`, `parentPid`, and `startTime`, which tells a process from a later one with the same pid. */
function readProc(pid) {
  try {
    // The command name in brackets may contain anything, including spaces and brackets.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return { pid, parentPid: Number(fields[1]), startTime: fields[19] };
  } catch {
    return undefined;
  }
}

function allProcesses() {
  if (existsSync('/proc/self/stat')) {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => readProc(Number(name)))
      .filter((info) => info !== undefined);
  }
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,lstart='], { encoding: 'utf8' });
  return (stdout ?? '')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length > 2)
    .map(([pid, parentPid, ...start]) => ({
      pid: Number(pid),
      parentPid: Number(parentPid),
      startTime: start.join(' '),
    }));
}

/**
 * The processes below `pid`, itself included. `followed` remembers them from call to call, so that those whose parent
 * has ended in between are found too. Returns those that run now.
 */
export function followTree(pid, followed = new Map()) {
  const all = allProcesses();
  const isFollowed = (info) => info.pid === pid || followed.get(info.pid) === info.startTime;
  const alive = all.filter(isFollowed);
  for (const parent of alive) {
    followed.set(parent.pid, parent.startTime);
    alive.push(...all.filter((info) => info.parentPid === parent.pid && !alive.includes(info)));
  }
  return alive;
}

/** Sends the signal; a process that has ended is no error. A negative `pid` means a process group. */
export function sendSignal(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
