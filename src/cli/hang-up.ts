/**
 * Whether a hang-up concerns this process.
 *
 * `nohup` starts a program with SIGHUP ignored, but Node resets inherited dispositions before any script runs, so that
 * neither the script nor the kernel knows of it any more. What remains is what `nohup` does beside that, and what
 * `setsid`, cron and service managers do too: none of stdin, stdout and stderr is a terminal. A program that is not
 * connected to a terminal loses nothing when one hangs up.
 */
import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/** As it was at the start: a terminal that hung up is none any more. */
const TERMINALS: readonly number[] = [0, 1, 2].filter((fd) => isatty(fd));

export function isAtTerminal(): boolean {
  return TERMINALS.length > 0;
}

/** To be called first: until then a hang-up ends a process that is to survive it. */
export function prepareForHangUp(): void {
  if (!isAtTerminal()) process.on('SIGHUP', () => {});
  else if (process.platform !== 'win32') process.on('exit', releaseDeadTerminals);
}

/**
 * When it exits, Node restores the settings of the terminals it started with, and aborts (exit code 134, perhaps a core
 * dump) where one has hung up meanwhile. It leaves alone what is another file by then.
 */
function releaseDeadTerminals(): void {
  for (const fd of TERMINALS.filter((one) => !isatty(one))) {
    try {
      closeSync(fd);
      // It gets the lowest number that is free.
      openSync('/dev/null', 'r+');
    } catch {
      // The exit code is then that of the abort, which is all that can be done about it.
    }
  }
}
