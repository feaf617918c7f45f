/**
 * Decides which connections are dialled when: a few handshakes at a time, with the pause between attempts that the
 * options ask for, and one at a time during an outage.
 */
import type { ConnectionOutage } from './connection-outage.ts';
import type { Slot } from './connection-slot.ts';
import type { ConnectionSlots } from './connection-slots.ts';

export interface DiallerOptions {
  /** Handshakes in progress at once. */
  readonly maxStartups: number;
  /** Pause between attempts, milliseconds. */
  readonly connectIntervalMs: number;
}

export class Dialler {
  readonly #slots: ConnectionSlots;
  readonly #outage: ConnectionOutage;
  readonly #options: DiallerOptions;
  readonly #onDial: (slot: Slot) => void;
  /** Handshakes in progress at once; half as many after each refusal. */
  #startups: number;
  #lastDialMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #hasEnded = false;

  /** `onDial` is called for each connection that is to be dialled; its state is `dialling` by then. */
  constructor(slots: ConnectionSlots, outage: ConnectionOutage, options: DiallerOptions, onDial: (slot: Slot) => void) {
    this.#slots = slots;
    this.#outage = outage;
    this.#options = options;
    this.#onDial = onDial;
    this.#startups = options.maxStartups;
  }

  /** The server refused a connection: it may admit only so many at a time. */
  onRefused(): void {
    this.#startups = Math.max(1, this.#startups / 2);
  }

  /** Dials what waits and may be dialled now. */
  dial(): void {
    if (this.#hasEnded) return;
    clearTimeout(this.#timer);
    this.#slots.fit();
    const startups = this.#slots.in('dialling').filter(({ isAdmitted }) => !isAdmitted).length;
    const atOnce = this.#outage.failedAttempts > 0 ? 1 : Math.max(1, Math.floor(this.#startups));
    const due = this.#slots.in('waiting').filter(({ timer }) => timer === undefined);
    for (const slot of due.slice(0, Math.max(0, atOnce - startups))) {
      const notBeforeMs = Math.max(this.#lastDialMs + this.#options.connectIntervalMs, this.#outage.nextAttemptMs);
      const pauseMs = notBeforeMs - performance.now();
      if (pauseMs > 0) {
        this.#timer = setTimeout(() => this.dial(), pauseMs);
        return;
      }
      this.#lastDialMs = performance.now();
      slot.state = 'dialling';
      slot.isAdmitted = false;
      this.#onDial(slot);
    }
  }

  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
  }
}
