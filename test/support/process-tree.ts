import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { waitFor } from './wait-for.ts';

export interface ProcessInfo {
  pid: number;
  parentPid: number;
  /** Tells a process from a later one with the same pid. */
  startTime: string;
}

const hasProc = existsSync('/proc/self/stat');

function readProc(pid: number): ProcessInfo | undefined {
  try {
    // The command name in brackets may hold anything, spaces and brackets too.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; that nobody has asked for its status yet is its parent's business.
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return { pid, parentPid: Number(fields[1]), startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

function listProcesses(): ProcessInfo[] {
  if (hasProc) {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => readProc(Number(name)))
      .filter((info) => info !== undefined);
  }
  const ps = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,lstart='], { encoding: 'utf8' });
  return ps.stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length > 3 && !fields[2]?.startsWith('Z'))
    .map(([pid, parentPid, , ...start]) => ({
      pid: Number(pid),
      parentPid: Number(parentPid),
      startTime: start.join(' '),
    }));
}

/** Children, their children and so on; the process itself is not among them. */
export function descendantsOf(pid: number): ProcessInfo[] {
  const all = listProcesses();
  const found: ProcessInfo[] = [];
  const parents = [pid];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    for (const info of all.filter((candidate) => candidate.parentPid === parent)) {
      found.push(info);
      parents.push(info.pid);
    }
  }
  return found;
}

export function isAlive(info: { pid: number; startTime?: string }): boolean {
  const now = hasProc ? readProc(info.pid) : listProcesses().find((candidate) => candidate.pid === info.pid);
  return now !== undefined && (info.startTime === undefined || now.startTime === info.startTime);
}

export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Stops the process and all below it, so that none can make another child before it is ended. */
function freeze(pid: number): ProcessInfo[] {
  sendSignal(pid, 'SIGSTOP');
  const frozen = new Map<number, ProcessInfo>();
  for (;;) {
    const added = descendantsOf(pid).filter((info) => !frozen.has(info.pid));
    if (added.length === 0) return [...frozen.values()];
    for (const info of added) {
      frozen.set(info.pid, info);
      sendSignal(info.pid, 'SIGSTOP');
    }
  }
}

function kill(victims: ProcessInfo[]): void {
  for (const victim of victims) if (isAlive(victim)) sendSignal(victim.pid, 'SIGKILL');
}

async function awaitEnd(victims: ProcessInfo[], timeoutMs: number): Promise<void> {
  await waitFor(() => victims.every((victim) => !isAlive(victim)), { what: 'killed processes to end', timeoutMs });
}

/** Kills what descends from the process, which itself lives on. Returns how many there were. */
export async function killDescendants(pid: number, timeoutMs = 5_000): Promise<number> {
  try {
    const victims = freeze(pid);
    kill(victims);
    await awaitEnd(victims, timeoutMs);
    return victims.length;
  } finally {
    sendSignal(pid, 'SIGCONT');
  }
}

/** Kills the process and all that descends from it, without waiting for their end. Returns who they were. */
export function killTreeNow(pid: number): ProcessInfo[] {
  const root = listProcesses().find((info) => info.pid === pid);
  if (!root) return [];
  const victims = [root, ...freeze(pid)];
  kill(victims);
  return victims;
}

export async function killTree(pid: number, timeoutMs = 5_000): Promise<void> {
  await awaitEnd(killTreeNow(pid), timeoutMs);
}
