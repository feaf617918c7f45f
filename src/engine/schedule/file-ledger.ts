/**
 * What has become of each byte of one file. At any time a byte is in exactly one of these states:
 *
 * - to do: no connection has it
 * - handed out: it belongs to a task that has not ended (the scheduler knows which)
 * - acknowledged and at risk: the server answered OK, but a crash of the server may still lose it
 * - acknowledged and durable
 * - claimed: an earlier run says that the server has it, or its digest was wrong. It is not handed out until
 *   {@link settleClaim} says which of the two is true
 *
 * Pure bookkeeping: no I/O, no clock, no connections.
 */
import type { Range } from '../../remotes/remote.ts';
import { bytesIn, RangeSet } from '../../util/range-set.ts';

export class FileLedger {
  readonly size: number;
  readonly #todo: RangeSet;
  readonly #acknowledged: RangeSet = new RangeSet();
  readonly #atRisk: RangeSet = new RangeSet();
  readonly #onToDoChanged: () => void;

  /**
   * `claimed`: what the server has according to an earlier run. `onToDoChanged` is called when {@link firstToDo} may
   * change.
   */
  constructor(size: number, claimed: Iterable<Range> = [], onToDoChanged: () => void = () => {}) {
    this.size = size;
    this.#onToDoChanged = onToDoChanged;
    this.#todo = new RangeSet([{ offset: 0, length: size }]);
    for (const range of claimed) this.#todo.remove(range);
  }

  /** The range of bytes to do with the lowest offset; undefined: none is left. */
  get firstToDo(): Range | undefined {
    return this.#todo.first;
  }

  get isComplete(): boolean {
    return this.#acknowledged.total === this.size;
  }

  get bytesAcknowledged(): number {
    return this.#acknowledged.total;
  }

  /** A copy, as the sets below are. */
  get toDo(): RangeSet {
    return new RangeSet(this.#todo);
  }

  get acknowledged(): RangeSet {
    return new RangeSet(this.#acknowledged);
  }

  /** Whether a crash of the server would lose anything now. */
  get isAtRisk(): boolean {
    return !this.#atRisk.isEmpty;
  }

  /** Acknowledged bytes that a crash of the server would lose now. */
  get atRisk(): RangeSet {
    return new RangeSet(this.#atRisk);
  }

  /** Acknowledged bytes that a crash of the server would not lose. */
  get durable(): RangeSet {
    return this.#acknowledged.without(this.#atRisk);
  }

  /** Whether all of a range is acknowledged. */
  has(range: Range): boolean {
    return this.#acknowledged.has(range);
  }

  /** A task gets the range. */
  handOut(range: Range): void {
    this.#todo.remove(range);
    this.#onToDoChanged();
  }

  /** A task that had the range returns it unacknowledged. */
  giveBack(range: Range): void {
    this.#todo.add(range);
    this.#onToDoChanged();
  }

  acknowledge(range: Range): void {
    this.#acknowledged.add(range);
    this.#atRisk.add(range);
    this.#todo.remove(range);
    this.#onToDoChanged();
  }

  /** `ranges` have reached the server's disk. */
  synced(ranges: Iterable<Range>): void {
    for (const range of ranges) this.#atRisk.remove(range);
  }

  /** The server may have crashed: what was at risk is to do again. Returns how many bytes that is. */
  distrust(): number {
    const ranges = [...this.#atRisk];
    for (const range of ranges) {
      this.withdraw(range);
      this.#todo.add(range);
    }
    this.#onToDoChanged();
    return bytesIn(ranges);
  }

  /** What was acknowledged is wrong on the server: it is claimed until {@link settleClaim} is called. */
  withdraw(range: Range): void {
    this.#acknowledged.remove(range);
    this.#atRisk.remove(range);
  }

  /** The server has what was claimed, on its disk, or it is to do. */
  settleClaim(range: Range, isThere: boolean): void {
    (isThere ? this.#acknowledged : this.#todo).add(range);
    this.#onToDoChanged();
  }
}
