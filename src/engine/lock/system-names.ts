/** Names that live in the system alone: nothing is left behind by a process that is killed. */
import type { HeldName, LockNames } from './lock-names.ts';
import { knockAt, listenAt } from './name-sockets.ts';

/** sun_path without the NUL in front. */
const abstractLength = 107;

class SystemNames implements LockNames {
  readonly #address: (name: string) => string;

  constructor(address: (name: string) => string) {
    this.#address = address;
  }

  take(name: string): Promise<HeldName | undefined> {
    return listenAt(this.#address(name));
  }

  async isHeld(name: string): Promise<boolean> {
    return (await knockAt(this.#address(name))) === 'answers';
  }
}

/**
 * Abstract sockets (unix(7)). They belong to a network namespace: runs in different containers do not see each other
 * here, as runs on different machines do not, and are left to the look at the partial. Any user of the machine may
 * hold any name; that is wanted, since two users may well upload to one account.
 */
export function abstractNames(): LockNames {
  return new SystemNames(abstractAddress);
}

/**
 * As long as it can be: Node 20 (libuv 1.46) fills an abstract name up with NULs, later ones do not, so that with
 * anything shorter the same name would be two.
 */
export function abstractAddress(name: string): string {
  return `\0${`mt-copy-tools/1/${name}/`.padEnd(abstractLength, '-')}`;
}

/** Named pipes of Windows; the first instance of a name is exclusive. */
export function pipeNames(): LockNames {
  return new SystemNames((name) => `\\\\.\\pipe\\mt-copy-tools-1-${name}`);
}
