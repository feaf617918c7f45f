/** Has the server bring to its disk what it has of a file, from time to time, so that a crash of it costs little. */
import { CopyError } from '../../errors.ts';
import type { Abilities, Attributes, Staged } from '../../remotes/remote.ts';
import type { ServerContinuity } from '../connections/server-continuity.ts';
import type { JobLedger } from './job-ledger.ts';

/** From the first acknowledgement to the first sync. */
const FIRST_MS = 500;
/** From one sync to the next: a multiple of the time that the last one took, within these bounds. */
const REST_FACTOR = 20;
const SHORTEST_REST_MS = 1000;
const LONGEST_REST_MS = 10_000;
/** Where all connections are lost before a sync, the first and the shortest time are halved each time, down to a quarter. */
const MOST_HASTE = 4;

/** A connection that has the file open, and the file there. */
export interface SyncPoint {
  readonly connection: number;
  /** Whether a sync there tells anything; undefined: the connection is gone. */
  readonly durable: Abilities['durable'] | undefined;
  staged(): Promise<Pick<Staged, 'look' | 'sync'>>;
  /** Whether the connection still has the same file open. */
  isHeld(): boolean;
}

export interface SyncServices {
  readonly ledger: Pick<JobLedger, 'atRisk' | 'isAtRisk' | 'synced'>;
  readonly continuity: Pick<ServerContinuity, 'epoch' | 'isWitness'>;
}

export interface SyncListener {
  /** The server's disk does not take what it should: trying again does not help. */
  onFailed(error: CopyError): void;
  /**
   * Something is durable that was not before. `seen`: what the staged file looked like right before; a crash leaves no
   * less.
   */
  onSynced(seen: Attributes): void;
}

export class PeriodicSync {
  readonly #services: SyncServices;
  readonly #listener: SyncListener;
  #seen: Attributes | undefined;
  #haste = 1;
  #underWay: Promise<void> | undefined;
  /** When the next one is due; undefined until something is acknowledged. */
  #dueMs: number | undefined;
  /** How long the server worked on the last one. */
  #workMs = 0;
  #generation = 0;
  #isRefused = false;

  constructor(services: SyncServices, listener: SyncListener) {
    this.#services = services;
    this.#listener = listener;
  }

  /** What the staged file looked like right before the last sync that succeeded. */
  get seen(): Attributes | undefined {
    return this.#seen;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  /** Another staged file begins: nothing is known of it, and nothing is due before something is acknowledged. */
  restart(): void {
    this.#seen = undefined;
    this.#isRefused = false;
    this.#dueMs = undefined;
  }

  /** What was acknowledged is in doubt: next time it should have been synced by then. */
  cameTooLate(): void {
    this.#haste = Math.min(MOST_HASTE, this.#haste * 2);
    this.#dueMs = undefined;
  }

  /** Whether it is worth calling {@link ifDue}. */
  mayBeDue(nowMs: number): boolean {
    return this.#underWay === undefined && !this.#isRefused && (this.#dueMs === undefined || nowMs >= this.#dueMs);
  }

  /** Only a witness of all that was acknowledged can tell that it was not lost before. */
  ifDue(nowMs: number, point: SyncPoint): void {
    const { continuity, ledger } = this.#services;
    if (!this.mayBeDue(nowMs) || !ledger.isAtRisk) return;
    this.#dueMs ??= nowMs + FIRST_MS / this.#haste;
    if (nowMs >= this.#dueMs && continuity.isWitness(point.connection)) this.#begin(point);
  }

  /**
   * The server's disk did not take what it should: a system tells that once, and says OK the next time, so that no later
   * answer is worth anything.
   */
  refused(): void {
    this.#isRefused = true;
  }

  /** Something is written again: a sync that is under way says nothing of it. */
  invalidate(): void {
    this.#generation++;
  }

  /** Nothing more will be sent: what is there is to be kept. Resolves when it is, or cannot be. */
  async last(point: SyncPoint): Promise<void> {
    await this.#underWay;
    if (this.#isRefused) return;
    const { continuity, ledger } = this.#services;
    if (continuity.isWitness(point.connection) && ledger.isAtRisk) await this.#begin(point);
  }

  #begin(point: SyncPoint): Promise<void> {
    this.#workMs = 0;
    this.#underWay = this.#sync(point).finally(() => {
      const shortestMs = SHORTEST_REST_MS / this.#haste;
      const restMs = Math.min(LONGEST_REST_MS, Math.max(shortestMs, REST_FACTOR * this.#workMs));
      this.#underWay = undefined;
      // Meanwhile another staged file may have begun, or all connections may have been lost.
      if (this.#dueMs !== undefined) this.#dueMs = performance.now() + restMs;
    });
    return this.#underWay;
  }

  async #sync(point: SyncPoint): Promise<void> {
    const { continuity, ledger } = this.#services;
    if (point.durable === 'unknown') return;
    const [epoch, generation, ranges] = [continuity.epoch, this.#generation, ledger.atRisk];
    try {
      const staged = await point.staged();
      const looked = staged.look().then((attributes) => ({ attributes, atMs: performance.now() }));
      const [{ attributes: seen, atMs }, isDurable] = await Promise.all([looked, staged.sync()]);
      // What waits before it on a slow line is not its work: the answer to the look comes right before it begins.
      this.#workMs = performance.now() - atMs;
      // If the file began again meanwhile, it is another file.
      const isSame = epoch === continuity.epoch && generation === this.#generation;
      if (isDurable && isSame && point.isHeld()) {
        ledger.synced(ranges);
        // No other run can continue what nobody may look at.
        if (seen === undefined) return;
        this.#seen = seen;
        this.#listener.onSynced(seen);
      }
    } catch (error) {
      // A lost connection is dealt with where it is reported.
      const failure = CopyError.from(error);
      if (failure.scope === 'connection') return;
      if (failure.scope === 'file') this.refused();
      this.#listener.onFailed(failure);
    }
  }
}
