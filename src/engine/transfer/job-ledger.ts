/**
 * The ledger of one file and its entry in the scheduler: which bytes of the file are acknowledged, durable, claimed or
 * to do, and which of them may be handed out. No other part of the file job calls the scheduler. Before {@link
 * JobLedger.open} and after {@link JobLedger.close}, nothing is acknowledged and nothing is handed out.
 */
import type { Range } from '../../remotes/remote.ts';
import { type Deferred, deferred } from '../../util/deferred.ts';
import { bytesIn, RangeSet } from '../../util/range-set.ts';
import type { FileLedger } from '../schedule/file-ledger.ts';
import type { Order, PauseReason, Scheduler } from '../schedule/scheduler.ts';
import { TimeLeft } from './time-left.ts';

export interface OpenedLedger {
  /** Bytes of the file. */
  readonly size: number;
  readonly pieceSize: number;
  /** See `Abilities.smallestCut`; default: 64 KiB. */
  readonly smallestCut?: number;
  /** The one connection that may work on the file; undefined: all. */
  readonly only: number | undefined;
  /** What the server has according to an earlier run: it is not handed out until {@link JobLedger.settleClaim}. */
  readonly claims: readonly Range[];
}

export class JobLedger {
  readonly #scheduler: Scheduler;
  readonly #file: number;
  readonly #carryOut: (order: Order) => void;
  #timeLeft: TimeLeft = new TimeLeft(0, 0, 0);
  /** Settles when no connection works on the file. */
  #drained: Deferred<void> | undefined;

  /** `file`: the number of the file job. `carryOut` is called with what the scheduler orders. */
  constructor(scheduler: Scheduler, file: number, carryOut: (order: Order) => void) {
    this.#scheduler = scheduler;
    this.#file = file;
    this.#carryOut = carryOut;
  }

  /** The file begins, or begins again. Reports of tasks of an earlier attempt have no effect on it. */
  open({ size, pieceSize, smallestCut, only, claims }: OpenedLedger): void {
    this.#timeLeft = new TimeLeft(size, bytesIn(claims), performance.now());
    this.#scheduler.addFile(this.#file, size, pieceSize, { only, claimed: claims, smallestCut });
  }

  close(): void {
    this.#scheduler.removeFile(this.#file);
  }

  /** `only`: the one connection that may work on the file; undefined: all. */
  restrict(only: number | undefined): void {
    this.#scheduler.restrict(this.#file, only);
  }

  /** Hands out nothing until {@link resume}, and takes back what connections have not taken yet. */
  pause(reason: PauseReason): void {
    for (const order of this.#scheduler.pause(this.#file, reason)) this.#carryOut(order);
  }

  /** Pauses for `drain`. Resolves when no connection works on the file. */
  async drain(): Promise<void> {
    this.pause('drain');
    while (this.hasTasks) {
      this.#drained ??= deferred();
      await this.#drained.promise;
    }
  }

  /** To be called when the last task of the file has ended. */
  onDrained(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  resume(reason: PauseReason): void {
    this.#scheduler.resume(this.#file, reason);
  }

  /** Whether connections work on the file. */
  get hasTasks(): boolean {
    return this.#scheduler.hasTasks(this.#file);
  }

  /** A number for a task that is not the scheduler's. */
  nextTask(): number {
    return this.#scheduler.nextTask();
  }

  /** Whether every byte is acknowledged. */
  get isComplete(): boolean {
    return this.#ledger?.isComplete ?? false;
  }

  get bytesAcknowledged(): number {
    return this.#ledger?.bytesAcknowledged ?? 0;
  }

  /** An estimate of the time until the file is transferred, in milliseconds. */
  msLeft(nowMs: number): number {
    return this.#timeLeft.ms(this.bytesAcknowledged, nowMs);
  }

  /** Whether all of a range is acknowledged. */
  has(range: Range): boolean {
    return this.#ledger?.has(range) ?? false;
  }

  /** A copy, as the sets below are: later changes do not affect it. */
  get acknowledged(): RangeSet {
    return this.#ledger?.acknowledged ?? new RangeSet();
  }

  /** Bytes that are neither acknowledged nor claimed nor handed out. */
  get toDo(): RangeSet {
    return this.#ledger?.toDo ?? new RangeSet();
  }

  /** What a crash of the server would lose now. */
  get atRisk(): RangeSet {
    return this.#ledger?.atRisk ?? new RangeSet();
  }

  /** Whether a crash of the server would lose anything now. */
  get isAtRisk(): boolean {
    return this.#ledger?.isAtRisk ?? false;
  }

  /** What a crash of the server would leave. */
  get durable(): RangeSet {
    return this.#ledger?.durable ?? new RangeSet();
  }

  /** Bytes were acknowledged outside of any task. */
  acknowledge(range: Range): void {
    this.#ledger?.acknowledge(range);
  }

  /** The ranges have reached the server's disk. */
  synced(ranges: Iterable<Range>): void {
    this.#ledger?.synced(ranges);
  }

  /** The server may have crashed: the bytes at risk are to do again. Returns how many they are. */
  distrust(): number {
    return this.#ledger?.distrust() ?? 0;
  }

  /** Acknowledged bytes are in doubt: they are not handed out until {@link settleClaim}. */
  withdraw(range: Range): void {
    this.#ledger?.withdraw(range);
  }

  /** Claimed bytes are on the server's disk (`isThere`), or are to do. */
  settleClaim(range: Range, isThere: boolean): void {
    this.#ledger?.settleClaim(range, isThere);
  }

  /** Undefined while the file is not open. */
  get #ledger(): FileLedger | undefined {
    return this.#scheduler.ledger(this.#file);
  }
}
