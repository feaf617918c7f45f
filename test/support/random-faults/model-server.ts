/**
 * A server as the promises of a transfer have to be kept on it: requests of a connection arrive in order, some time
 * after they were sent; those of a connection that is lost may arrive much later; what was not synced is lost in a
 * crash. It does wrong only what its habits and faults say, and it records what the promises forbid.
 */
import type { VirtualTime } from '../virtual-time.ts';
import type { ModelConnection } from './model-connection.ts';
import { Inode, type RunMark } from './model-inode.ts';

/** What a kind of server does all the time. */
export interface Habits {
  /**
   * `many`: known to keep what several connections write. The others have to be found out: `unknown` keeps it, `append`
   * ignores offsets, `private` shows each session a temporary file of its own until it is closed, `refuse` lets no
   * second session open a file that is being written, `truncate` empties a file that is opened again.
   */
  readonly writers: 'many' | 'unknown' | 'append' | 'private' | 'refuse' | 'truncate';
  readonly hasSync: boolean;
  /** Whether it gives back what is not committed. */
  readonly readsBack: boolean;
  /** Whether only one connection may read a file at a time. Default: false. */
  readonly letsOneRead?: boolean;
  readonly copiesFiles: boolean;
  /** By digest method, in the order in which they are tried; see {@link DigestHabit}. */
  readonly digests: Readonly<Record<string, DigestHabit>>;
  readonly oneWayMs: number;
  readonly bytesPerSecond: number;
  readonly slowWorkMs: number;
}

/** `fickle`: wrong now and then. `flattering`: of what should be there. `hang`: never answers. */
export type DigestHabit = 'honest' | 'wrong' | 'fickle' | 'flattering' | 'missing' | 'hang';

/** What goes wrong for a while. */
export interface Troubles {
  /** Attempts to connect are refused until then. */
  refusedUntilMs: number;
  /** Attempts to connect are not answered until then. */
  deafUntilMs: number;
  /** The next so many writes answer no. */
  failingWrites: number;
  /** The next so many reads are answered with wrong bytes. */
  spoiltReads: number;
  /** The next so many writes are answered OK, and not done, or done wrong. */
  spoiltWrites: number;
  /** All writes are answered OK, and done wrong. */
  spoilsAll: boolean;
  failingSyncs: number;
  failingCloses: number;
  failingRenames: number;
  /** Digests are dropped by the server: `missing` from now on. */
  hasNoDigests: boolean;
}

const NO_TROUBLES: Troubles = {
  refusedUntilMs: 0,
  deafUntilMs: 0,
  failingWrites: 0,
  spoiltReads: 0,
  spoiltWrites: 0,
  spoilsAll: false,
  failingSyncs: 0,
  failingCloses: 0,
  failingRenames: 0,
  hasNoDigests: false,
};

/** What happened to the target. */
export interface Publishing {
  readonly atMs: number;
  readonly by: RunMark;
  readonly inode: Inode;
  /** The request came after its connection, or its run, was gone. */
  readonly isLate: boolean;
}

/** What the server may have at the target: nothing, or one of these. */
export type Complete = ReadonlyMap<string, Buffer>;

export class ModelServer {
  readonly time: VirtualTime;
  readonly habits: Habits;
  readonly random: () => number;
  readonly target: string;
  readonly troubles: Troubles = { ...NO_TROUBLES };
  readonly connections: Set<ModelConnection> = new Set();
  readonly publishings: Publishing[] = [];
  /** What the promises forbid, in words. */
  readonly broken: string[] = [];
  /** When a request was last done that came after its connection was gone. */
  lastLateMs: number = Number.NEGATIVE_INFINITY;
  /** When the disk last did not take something. */
  lastSyncFailureMs: number = Number.NEGATIVE_INFINITY;
  /** Such requests that are still to come. */
  latePending = 0;
  /** Called after each request that was done, with the number of them. */
  onRequest: (count: number) => void = () => {};
  readonly #names: Map<string, Inode> = new Map();
  /** Every staged name that anything ever had. */
  readonly #everNamed: Map<string, Inode> = new Map();
  readonly #complete: Complete;
  #requests = 0;
  #staged = 0;
  /** Changes with each crash: what was under way before it does not happen. */
  #boot = 0;

  constructor(time: VirtualTime, habits: Habits, random: () => number, target: string, complete: Complete) {
    this.time = time;
    this.habits = habits;
    this.random = random;
    this.target = target;
    this.#complete = complete;
  }

  get boot(): number {
    return this.#boot;
  }

  get nowMs(): number {
    return Date.now();
  }

  /** What a run should copy. */
  sourceOf({ version }: RunMark): Buffer {
    return this.#complete.get(version)!;
  }

  at(path: string): Inode | undefined {
    return this.#names.get(path);
  }

  /** Names beside the target. */
  stagedNames(): string[] {
    return [...this.#names.keys()].filter((path) => path !== this.target);
  }

  newStagedName(): string {
    this.#staged++;
    return `${this.target}.${this.#staged}.mtpart`;
  }

  /** What was there before. */
  put(path: string, bytes: Buffer): void {
    const inode = new Inode(Buffer.from(bytes), this.nowMs - 1_000_000, undefined, 0o644);
    this.#names.set(path, inode);
  }

  link(path: string, inode: Inode): void {
    const earlier = this.#everNamed.get(path);
    if (path !== this.target && earlier !== undefined && earlier !== inode && this.habits.writers !== 'private') {
      this.broken.push(`The staged name ${path} was used twice.`);
    }
    this.#everNamed.set(path, inode);
    this.#names.set(path, inode);
    if (path === this.target) this.checkTarget('a rename');
  }

  unlink(path: string): void {
    this.#names.delete(path);
    if (path === this.target) this.broken.push('The target was removed.');
  }

  /** The rename that publishes. */
  publish(path: string, by: RunMark, isLate: boolean): void {
    const inode = this.#names.get(path)!;
    this.#names.delete(path);
    this.link(this.target, inode);
    this.publishings.push({ atMs: this.time.nowMs, by, inode, isLate });
  }

  /** To be called after every change of an inode. */
  changed(inode: Inode, what: string): void {
    if (this.#names.get(this.target) === inode) this.checkTarget(what);
  }

  checkTarget(what: string): void {
    const bytes = this.#names.get(this.target)?.bytes;
    if (bytes === undefined) return;
    for (const complete of this.#complete.values()) if (complete.equals(bytes)) return;
    this.broken.push(`After ${what} at ${this.time.nowMs} ms the target is no complete file (${bytes.length} bytes).`);
  }

  done(): void {
    this.onRequest(++this.#requests);
  }

  restartCount(): void {
    this.#requests = 0;
  }

  /** All connections are lost, nothing that is in flight arrives, and what was not synced is forgotten. */
  crash(): void {
    this.#boot++;
    this.latePending = 0;
    for (const connection of [...this.connections]) connection.lose();
    for (const inode of this.#names.values()) {
      inode.crash(this.random);
      this.changed(inode, 'a crash');
    }
  }

  /** Nothing goes wrong any more. */
  heal(): void {
    Object.assign(this.troubles, NO_TROUBLES);
  }

  /** Whether the next `count` of something is used up by this call. */
  takeTrouble(
    kind: 'failingWrites' | 'spoiltReads' | 'spoiltWrites' | 'failingSyncs' | 'failingCloses' | 'failingRenames',
  ): boolean {
    if (this.troubles[kind] <= 0) return false;
    this.troubles[kind]--;
    return true;
  }
}
