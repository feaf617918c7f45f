/**
 * Requests that a relay keeps back, with all that the same connection sends after them: as packets on a slow line come.
 */
import { type Deferred, deferred } from '../../src/util/deferred.ts';
import { waitFor } from './wait-for.ts';

/** Bytes of one request, without its length: the first byte is the type. */
export type RequestMatch = (packet: Buffer) => boolean;

/** A packet, or bytes for a command, on their way to the server. */
export interface Delivery {
  /** Hands it to the server. Resolves when the server has answered it, or is gone. */
  deliver(): Promise<void>;
}

export class Hold {
  readonly #matches: RequestMatch;
  #toPass: number;
  #isClosed = false;
  readonly #lanes: Set<HeldLane> = new Set();

  /** The first `toPass` requests that match are let through. */
  constructor(matches: RequestMatch, toPass: number) {
    this.#matches = matches;
    this.#toPass = toPass;
  }

  /** Connections of which a request is held. */
  get connections(): number {
    return this.#lanes.size;
  }

  /** Resolves when at least one request is held. */
  async arrived(timeoutMs = 60_000): Promise<void> {
    await waitFor(() => this.#lanes.size > 0, { what: 'the request that is to be held', timeoutMs, pollMs: 2 });
  }

  /** What other connections send from now on passes. */
  takeNoMore(): void {
    this.#isClosed = true;
  }

  /** Lets everything through, in the order in which it came. Resolves when the server has answered what was held. */
  async release(): Promise<void> {
    this.takeNoMore();
    await Promise.all([...this.#lanes].map((lane) => lane.release()));
  }

  /** Whether a connection that sends this is to be held from here on. */
  takes(packet: Buffer, lane: HeldLane): boolean {
    if (this.#isClosed || !this.#matches(packet)) return false;
    if (this.#toPass > 0) {
      this.#toPass--;
      return false;
    }
    this.#lanes.add(lane);
    return true;
  }
}

/** One channel of a connection, in the direction of the server. */
export class HeldLane {
  readonly #waiting: Delivery[] = [];
  #isHeld = false;
  #free: Deferred<void> = deferred();

  constructor() {
    this.#free.resolve();
  }

  /**
   * Resolves when nothing is kept back and all that was has been answered: until then the server's side must stay open.
   */
  get free(): Promise<void> {
    return this.#free.promise;
  }

  send(packet: Buffer, delivery: Delivery, holds: readonly Hold[]): void {
    if (!this.#isHeld && holds.some((hold) => hold.takes(packet, this))) {
      this.#isHeld = true;
      this.#free = deferred();
    }
    if (this.#isHeld) this.#waiting.push(delivery);
    else void delivery.deliver();
  }

  async release(): Promise<void> {
    const answers = this.#waiting.splice(0).map((delivery) => delivery.deliver());
    this.#isHeld = false;
    await Promise.all(answers);
    this.#free.resolve();
  }
}
