/**
 * Has the server sync a staged file at intervals, so that little has to be sent again after a crash of the server.
 *
 * What can go wrong: the server cannot store everything. It reports that once, and may answer OK to the next sync; so
 * no later answer is trusted, and the file fails. A sync counts only if the connection was a witness before and after
 * it, and if the file did not begin again in the meantime.
 */
import { CopyError } from '../../errors.ts';
import type { Abilities, Attributes, Staged } from '../../remotes/remote.ts';
import { SLOWEST_BYTES_PER_MS } from '../../util/slowest-server.ts';
import type { ServerContinuity } from '../connections/server-continuity.ts';
import type { JobLedger } from './job-ledger.ts';

/** From the first acknowledgement to the first sync. */
const FIRST_MS = 500;
/** From one sync to the next: a multiple of the time that the last one took, within these bounds. */
const REST_FACTOR = 20;
const SHORTEST_REST_MS = 1000;
const LONGEST_REST_MS = 10_000;
/**
 * How long a sync may take, beside the time of a slow disk, before the silence of the connections has another reason.
 */
const BUSY_MS = 10_000;
/** When all connections are lost before a sync, the first and the shortest time are halved, down to a quarter. */
const MAX_FREQUENCY = 4;

/** The file that is written, and the connection that has it open. */
export interface SyncPoint {
  /** Undefined: the file is on this machine, and no restart of the server loses anything. */
  readonly connection: number | undefined;
  /** Whether a sync makes anything durable; undefined: the connection is lost. */
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
  /** The server could not store everything; trying again does not help. */
  onFailed(error: CopyError): void;
  /**
   * More bytes are durable than before. `seen`: what the staged file looked like right before the sync; after a crash,
   * it is not shorter than that.
   */
  onSynced(seen: Attributes): void;
}

export class PeriodicSync {
  readonly #services: SyncServices;
  readonly #listener: SyncListener;
  #seen: Attributes | undefined;
  /** How many times as often as usual a sync may be made. */
  #frequency = 1;
  #underWay: Promise<void> | undefined;
  /** Until when the sync in progress may keep the server from answering. */
  #busyUntilMs = 0;
  /** When the next sync is due; undefined until something is acknowledged. */
  #dueMs: number | undefined;
  /** How long the server took for the last sync. */
  #workMs = 0;
  #generation = 0;
  #isRefused = false;
  #hasFailed = false;

  constructor(services: SyncServices, listener: SyncListener) {
    this.#services = services;
    this.#listener = listener;
  }

  /** What the staged file looked like right before the last sync that succeeded. */
  get seen(): Attributes | undefined {
    return this.#seen;
  }

  /**
   * Whether the server may be too busy with a sync to answer on any connection. A sync that takes very long may have
   * been asked for on a connection that has stalled.
   */
  keepsServerBusy(nowMs: number): boolean {
    return this.#underWay !== undefined && nowMs < this.#busyUntilMs;
  }

  /** Another staged file begins: no sync is due before something is acknowledged. */
  restart(): void {
    this.#seen = undefined;
    this.#isRefused = false;
    this.#hasFailed = false;
    this.#dueMs = undefined;
  }

  /** Acknowledged bytes may be lost: from now on, they are synced sooner. */
  onTooLate(): void {
    this.#frequency = Math.min(MAX_FREQUENCY, this.#frequency * 2);
    this.#dueMs = undefined;
  }

  /** Whether it is worth calling {@link ifDue}. */
  mayBeDue(nowMs: number): boolean {
    return this.#underWay === undefined && !this.#isRefused && (this.#dueMs === undefined || nowMs >= this.#dueMs);
  }

  /** Begins a sync if it is due. Only a witness can show that nothing was lost before the sync. */
  ifDue(nowMs: number, point: SyncPoint): void {
    if (!this.mayBeDue(nowMs) || !this.#services.ledger.isAtRisk) return;
    this.#dueMs ??= nowMs + FIRST_MS / this.#frequency;
    if (nowMs >= this.#dueMs && this.#isWitness(point)) this.#begin(point);
  }

  /** The server could not store everything: no later sync is trusted. */
  onRefused(error: CopyError): void {
    this.#isRefused = true;
    this.#hasFailed ||= error.refused?.operation === 'sync';
  }

  /**
   * Whether a sync itself failed: what was not durable by then may never reach the server's disk, even if it is read
   * back.
   */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Some bytes are going to be written again: a sync in progress does not count for them. */
  invalidate(): void {
    this.#generation++;
  }

  /** Nothing more is sent: syncs what the server has. Resolves when that is done, or has failed. */
  async last(point: SyncPoint): Promise<void> {
    await this.#underWay;
    if (this.#isRefused) return;
    if (this.#isWitness(point) && this.#services.ledger.isAtRisk) await this.#begin(point);
  }

  #isWitness({ connection }: SyncPoint): boolean {
    return connection === undefined || this.#services.continuity.isWitness(connection);
  }

  #begin(point: SyncPoint): Promise<void> {
    this.#workMs = 0;
    this.#underWay = this.#sync(point).finally(() => {
      const shortestMs = SHORTEST_REST_MS / this.#frequency;
      const restMs = Math.min(LONGEST_REST_MS, Math.max(shortestMs, REST_FACTOR * this.#workMs));
      this.#underWay = undefined;
      // In the meantime, another staged file may have begun, or all connections may have been lost.
      if (this.#dueMs !== undefined) this.#dueMs = performance.now() + restMs;
    });
    return this.#underWay;
  }

  async #sync(point: SyncPoint): Promise<void> {
    const { continuity, ledger } = this.#services;
    if (point.durable === 'unknown') return;
    const [epoch, generation, ranges] = [continuity.epoch, this.#generation, ledger.atRisk];
    this.#busyUntilMs = performance.now() + BUSY_MS + ranges.total / SLOWEST_BYTES_PER_MS;
    try {
      const staged = await point.staged();
      const looked = staged.look().then((attributes) => ({ attributes, atMs: performance.now() }));
      const [{ attributes: seen, atMs }, isDurable] = await Promise.all([looked, staged.sync()]);
      // On a slow line, requests wait before the sync begins. The answer to the look comes right before that.
      this.#workMs = performance.now() - atMs;
      // If the file has begun again in the meantime, this is another file.
      const isSame = generation === this.#generation && point.isHeld();
      const mayBeLost = point.connection !== undefined && epoch !== continuity.epoch;
      if (isDurable && isSame && !mayBeLost) {
        ledger.synced(ranges);
        // If the server does not show the staged file, no other run can continue it.
        if (seen === undefined) return;
        this.#seen = seen;
        this.#listener.onSynced(seen);
      }
    } catch (error) {
      // The loss of a connection is reported elsewhere.
      const failure = CopyError.from(error);
      if (failure.scope === 'connection') return;
      if (failure.scope === 'file') this.onRefused(failure);
      this.#listener.onFailed(failure);
    }
  }
}
