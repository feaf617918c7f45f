/** Names that exist only in the operating system, so that a process that is killed leaves nothing behind. */
import type { HeldName, LockNames } from './lock-names.ts';
import { listenAt, probeSocket } from './name-sockets.ts';

/** Length of sun_path without the NUL in front, bytes. */
const ABSTRACT_LENGTH = 107;

class SystemNames implements LockNames {
  readonly #address: (name: string) => string;

  constructor(address: (name: string) => string) {
    this.#address = address;
  }

  take(name: string): Promise<HeldName | undefined> {
    return listenAt(this.#address(name));
  }

  async isHeld(name: string): Promise<boolean> {
    return (await probeSocket(this.#address(name))) === 'answers';
  }
}

/**
 * Abstract sockets (unix(7)). They belong to a network namespace: runs in different containers do not see each other's
 * locks, just like runs on different machines, and are detected by their changes to the partial file. Any user of the
 * machine may take any name, which is intended, because two users may upload to the same account.
 */
export function abstractNames(): LockNames {
  return new SystemNames(abstractAddress);
}

/**
 * Has the greatest length that is possible. Node 20 (libuv 1.46) fills an abstract name up with NULs and later versions
 * do not, so that a shorter name would be two different names.
 */
export function abstractAddress(name: string): string {
  return `\0${`mt-copy-tools/1/${name}/`.padEnd(ABSTRACT_LENGTH, '-')}`;
}

/** Named pipes of Windows; the first instance of a name is exclusive. */
export function pipeNames(): LockNames {
  return new SystemNames((name) => `\\\\.\\pipe\\mt-copy-tools-1-${name}`);
}
