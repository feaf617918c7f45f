/**
 * The places for the connections of a run, and how many of them are used at a time.
 *
 * At most {@link ConnectionSlots.most} connections work, whichever they are. One exception: where none of the
 * connections that can commit (`isOwn`) is open or being dialled, one of them is tried even if the limit is reached.
 */
import { isOwn, newSlot, type Slot, stopWaiting } from './connection-slot.ts';

/**
 * Why fewer connections are used than wanted: the line is too slow for them, or the server lets no more of them use
 * files at a time.
 */
export type LimitReason = 'line' | 'admission';

export class ConnectionSlots implements Iterable<Slot> {
  readonly #slots: Slot[] = [];
  readonly #onSpared: (connection: number) => void;
  #wanted = 0;
  readonly #limits = new Map<LimitReason, number>();
  /** Undefined: it has to be found out. It is asked for far more often than it changes. */
  #open: readonly number[] | undefined;

  /** `onSpared` is called for each connection that is not used from now on because fewer are. */
  constructor(wanted: number, onSpared: (connection: number) => void) {
    this.#onSpared = onSpared;
    this.want(wanted);
  }

  /**
   * At most `count` connections are to work from now on, if nothing else limits them. The others are given up for good.
   * Returns which of these are to be hung up.
   */
  want(count: number): number[] {
    this.#wanted = count;
    while (this.#slots.length < count) this.#slots.push(newSlot(this.#slots.length + 1));
    const inVain = [...this.surplus(), ...this.#dialledInVain()];
    for (const connection of inVain) this.get(connection).isFinal = true;
    let room = count - this.#working().filter(({ isFinal }) => !isFinal).length;
    for (const slot of this.in('waiting')) if (room-- <= 0) this.#retire(slot, 'given-up');
    return inVain;
  }

  [Symbol.iterator](): IterableIterator<Slot> {
    return this.#slots.values();
  }

  get(connection: number): Slot {
    return this.#slots[connection - 1]!;
  }

  /** In any state. */
  get count(): number {
    return this.#slots.length;
  }

  /** How many connections may work. */
  get most(): number {
    return Math.min(this.#wanted, ...this.#limits.values());
  }

  /** Connections that are open now, the lowest number first; the same list until {@link onOpenChanged}. */
  get open(): readonly number[] {
    this.#open ??= this.in('open').map(({ connection }) => connection);
    return this.#open;
  }

  /** To be called whenever a slot has become open, or is not open any more. */
  onOpenChanged(): void {
    this.#open = undefined;
  }

  in(state: Slot['state']): Slot[] {
    return this.#slots.filter((slot) => slot.state === state);
  }

  some(predicate: (slot: Slot) => boolean): boolean {
    return this.#slots.some(predicate);
  }

  every(predicate: (slot: Slot) => boolean): boolean {
    return this.#slots.every(predicate);
  }

  /**
   * `most`: how many of the wanted connections `reason` lets work from now on, at least 1. The lowest limit counts.
   * {@link fit} and {@link surplus} say what follows.
   */
  limit(reason: LimitReason, most: number): void {
    this.#limits.set(reason, Math.max(1, most));
  }

  /**
   * Of those that wait, makes spare what exceeds the limit; uses spare ones again where there is room for them. Those that
   * are not wanted are given up.
   */
  fit(): void {
    for (const slot of this.in('waiting')) if (slot.isFinal) this.#retire(slot, 'given-up');
    const needed = this.#needed();
    let room = this.most - this.#working().length - (needed === undefined ? 0 : 1);
    for (const slot of this.in('waiting')) if (slot !== needed && room-- <= 0) this.#retire(slot, 'spare');
    for (const slot of this.in('spare')) if (slot === needed || room-- > 0) slot.state = 'waiting';
  }

  /** Open connections beyond the limit; one of those that can commit is never among them. `latest`: opened last. */
  surplus(latest?: Slot): number[] {
    if (this.open.length <= this.most) return [];
    const open = this.in('open').sort((a, b) => Number(a === latest) - Number(b === latest));
    const committing = open.find(isOwn);
    const others = open.filter((slot) => slot !== committing);
    const kept = committing === undefined ? this.most : this.most - 1;
    return others.slice(kept).map(({ connection }) => connection);
  }

  /** Those that are in use, or have not ended yet. */
  #working(): Slot[] {
    return this.#slots.filter(({ state }) => state === 'open' || state === 'dialling' || state === 'closing');
  }

  /** Connections that are being dialled and exceed the limit; none where none that can commit is open. */
  #dialledInVain(): number[] {
    if (!this.in('open').some(isOwn)) return [];
    const room = Math.max(0, this.most - this.open.length);
    return this.in('dialling')
      .slice(room)
      .map(({ connection }) => connection);
  }

  /** The connection that has to be dialled so that something can be committed; undefined: none has to. */
  #needed(): Slot | undefined {
    const own = this.#slots.filter(isOwn);
    if (own.some(({ state }) => state === 'open' || state === 'dialling' || state === 'closing')) return undefined;
    return own.find(({ state }) => state === 'waiting') ?? own.find(({ state }) => state === 'spare');
  }

  #retire(slot: Slot, state: 'spare' | 'given-up'): void {
    stopWaiting(slot);
    slot.isFinal ||= state === 'given-up';
    slot.state = state;
    this.#onSpared(slot.connection);
  }
}
