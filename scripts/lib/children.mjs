// Runs the programs that a script needs. When a signal ends the script, everything that was started ends with it:
// children get the signal, have time to end in order, and are then killed with all their descendants. Nothing that
// waits for a child continues after a signal: the promise of `run` stays pending, and the process exits with 128 + n.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { followTree, sendSignal } from './processes.mjs';

/** npm forwards what the terminal has sent to this process already: that is one signal and not two. */
const ONE_SIGNAL_MS = 1_000;
const ORPHAN_PATIENCE_MS = 2_000;
const hasGroups = process.platform !== 'win32';

/** How children are treated when a signal arrives. */
const KINDS = {
  /** In its own process group; the whole group gets the signal. It cannot read from the terminal. */
  group: { isDetached: true, patienceMs: 15_000, send: (pid, signal) => sendSignal(-pid, signal) },
  /** apt-get finishes the dpkg run that is under way when it, alone, is interrupted. Killing dpkg breaks the system. */
  packageManager: { isDetached: true, patienceMs: 120_000, send: (pid) => sendSignal(pid, 'SIGINT') },
  /** Shares the terminal, and so has got its Ctrl-C already; a second one means "at once" to it. */
  foreground: {
    isDetached: false,
    patienceMs: 60_000,
    send: (pid, signal) => (signal === 'SIGINT' && isOnTerminal() ? undefined : sendSignal(pid, signal)),
  },
};

const children = new Set();
const cleanups = new Set();
let endedBy;
let endedAt = 0;
let isHurried = false;

function isOnTerminal() {
  return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
}

/**
 * Runs a program to its end. `kind`: see KINDS; the other options are those of `spawn`.
 * Resolves with its exit code, or 128 + n if signal n ended it. Rejects if it cannot be started.
 */
export function run(command, args, { kind = 'group', ...options } = {}) {
  if (endedBy !== undefined) return new Promise(() => {});
  const { isDetached } = KINDS[kind];
  const child = spawn(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    ...options,
    detached: isDetached && hasGroups,
  });
  const entry = { child, kind: KINDS[kind] };
  children.add(entry);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      if (child.pid !== undefined) return;
      children.delete(entry);
      reject(new Error(`${command} could not be started: ${error.message}`));
    });
    child.once('exit', (code, signal) => {
      if (endedBy !== undefined) return;
      children.delete(entry);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

/** Calls `action`, which must be synchronous, if a signal ends the script. Returns what takes this back. */
export function onSignal(action) {
  cleanups.add(action);
  return () => cleanups.delete(action);
}

async function endChild({ child, kind }, signal) {
  const { pid } = child;
  if (!hasGroups) {
    child.kill(signal);
    return;
  }
  const followed = new Map();
  followTree(pid, followed);
  kind.send(pid, signal);
  let deadline = Date.now() + kind.patienceMs;
  let isOrphaned = false;
  for (;;) {
    const alive = followTree(pid, followed);
    if (alive.length === 0) return;
    if (!isOrphaned && !alive.some((info) => info.pid === pid)) {
      // What the program itself did not end has a session of its own, or was not meant to end with it.
      isOrphaned = true;
      for (const info of alive) sendSignal(info.pid, 'SIGTERM');
      deadline = Math.min(deadline, Date.now() + ORPHAN_PATIENCE_MS);
    }
    if (isHurried || Date.now() > deadline) for (const info of alive) sendSignal(info.pid, 'SIGKILL');
    await sleep(50);
  }
}

async function end(signal) {
  if (endedBy !== undefined) {
    isHurried ||= Date.now() - endedAt > ONE_SIGNAL_MS;
    return;
  }
  endedBy = signal;
  endedAt = Date.now();
  await Promise.all([...children].map((entry) => endChild(entry, signal)));
  for (const action of [...cleanups].reverse()) action();
  process.exit(128 + constants.signals[signal]);
}

// Node undoes what nohup did. Without a terminal, a hang-up is that of somebody who has logged out.
const endsOnHangUp = isOnTerminal();
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void end(signal));
process.on('SIGHUP', () => endsOnHangUp && void end('SIGHUP'));
// npm sends a signal to the shell between itself and this script, and many shells end without passing it on.
const parent = process.ppid;
if (process.env.npm_lifecycle_event !== undefined && hasGroups) {
  setInterval(() => process.ppid !== parent && void end('SIGTERM'), 250).unref();
}
// The last resort, if the script itself fails.
process.on('exit', () => {
  for (const { child } of children) {
    if (hasGroups && child.exitCode === null && child.signalCode === null) {
      for (const { pid } of followTree(child.pid)) sendSignal(pid, 'SIGKILL');
    }
  }
});
