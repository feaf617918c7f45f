/**
 * The line of a connection to the model server: requests arrive in order, some time after they were sent, and are
 * answered in order. What is under way when the line is lost may arrive much later.
 */
import { CopyError } from '../../../src/errors.ts';
import { type Deferred, deferred } from '../../../src/util/deferred.ts';
import type { ModelRemote } from './model-remote.ts';
import type { ModelServer } from './model-server.ts';

/** How long a connection is silent until it is given up. */
export const STALL_MS = 30_000;
/** How much later than its time a request may arrive whose connection is gone. */
const LATE_MS: readonly number[] = [0, 20, 1000, 10_000, 10 * 60_000];

interface InFlight {
  readonly apply: (isLate: boolean) => void;
  readonly reject: (error: unknown) => void;
  isDone: boolean;
}

export interface RequestCost {
  /** Bytes there, and of the answer. */
  readonly up?: number;
  readonly down?: number;
  /** How long the server works on it. */
  readonly workMs?: number;
  /** Whether its answer shows that the copy makes progress. */
  readonly isProgress?: boolean;
}

export abstract class ModelLine {
  readonly remote: ModelRemote;
  readonly id: number;
  /** Of {@link Habits}, until it becomes slower. */
  bytesPerSecond: number;
  readonly #boot: number;
  readonly #closed: Deferred<CopyError | undefined> = deferred();
  readonly #inFlight: Set<InFlight> = new Set();
  #silence: 'none' | 'deaf' | 'mute' = 'none';
  #reason: CopyError | undefined;
  #isKilled = false;
  #sendFreeMs = 0;
  #arrivalMs = 0;
  #answerMs = 0;

  constructor(remote: ModelRemote, id: number) {
    const { habits, boot } = remote.server;
    this.remote = remote;
    this.id = id;
    this.#boot = boot;
    this.bytesPerSecond = habits.bytesPerSecond;
  }

  get closed(): Promise<CopyError | undefined> {
    return this.#closed.promise;
  }

  get server(): ModelServer {
    return this.remote.server;
  }

  async close(): Promise<void> {
    this.#end(undefined);
    await this.#closed.promise;
  }

  lose(): void {
    this.#end(new CopyError('connection-lost', `Connection ${this.id} was cut.`));
  }

  /** From now on nothing arrives (`deaf`), or nothing is answered (`mute`), until the stall is noticed. */
  silence(how: 'deaf' | 'mute'): void {
    this.#silence = how;
    const { time } = this.server;
    time.at(time.nowMs + STALL_MS, () =>
      this.#end(new CopyError('connection-stalled', `Connection ${this.id} is silent.`)),
    );
  }

  kill(): void {
    this.#isKilled = true;
    this.lose();
  }

  /**
   * Sends a request: `apply` is what the server does when it arrives, after what was sent before it. Rejects when the
   * connection is gone, whatever has happened, or will happen, on the server.
   */
  request<T>(
    apply: (isLate: boolean) => T,
    { up = 100, down = 100, workMs = 1, isProgress = false }: RequestCost = {},
  ): Promise<T> {
    if (this.#reason !== undefined) return Promise.reject(this.#reason);
    const { time, habits } = this.server;
    const answer = deferred<T>();
    answer.promise.catch(() => {});
    const flight: InFlight = {
      isDone: false,
      reject: answer.reject,
      apply: (isLate) => {
        flight.isDone = true;
        const settle = this.#outcomeOf(() => apply(isLate), answer);
        this.server.done();
        if (isLate || this.#silence === 'mute' || this.#reason !== undefined) return;
        const carryMs = (down / this.bytesPerSecond) * 1000;
        this.#answerMs = Math.max(this.#answerMs, time.nowMs + workMs + carryMs) + habits.oneWayMs;
        time.at(this.#answerMs, () => {
          if (this.#reason !== undefined || !this.#inFlight.delete(flight)) return;
          if (isProgress) this.remote.onProgress();
          settle();
        });
      },
    };
    this.#inFlight.add(flight);
    this.#sendFreeMs = Math.max(this.#sendFreeMs, time.nowMs) + (up / this.bytesPerSecond) * 1000;
    this.#arrivalMs = Math.max(this.#arrivalMs, this.#sendFreeMs + habits.oneWayMs);
    time.at(this.#arrivalMs, () => {
      if (!flight.isDone && this.#reason === undefined && this.#silence !== 'deaf') flight.apply(false);
    });
    return answer.promise;
  }

  /** @throws CopyError when the connection is gone */
  check(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  /** The line is lost, or closed. */
  protected abstract onEnd(): void;

  #outcomeOf<T>(apply: () => T, { resolve, reject }: Deferred<T>): () => void {
    try {
      const result = apply();
      return () => resolve(result);
    } catch (error) {
      if (!(error instanceof CopyError)) this.server.broken.push(`The model failed: ${String(error)}`);
      return () => reject(error);
    }
  }

  #end(reason: CopyError | undefined): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason ?? new CopyError('connection-lost', 'The connection was closed.');
    this.onEnd();
    const pending = [...this.#inFlight].filter(({ isDone }) => !isDone);
    this.#applyLate(pending);
    if (this.#isKilled) return;
    for (const { reject } of this.#inFlight) reject(this.#reason);
    this.#closed.resolve(reason);
  }

  /** Some of what was under way still arrives, in its order; what the session had open stays open until then. */
  #applyLate(pending: readonly InFlight[]): void {
    const { server } = this;
    const count = Math.floor(server.random() * (pending.length + 1));
    const lateMs = LATE_MS[Math.floor(server.random() * LATE_MS.length)]!;
    const boot = this.#boot === server.boot ? server.boot : -1;
    for (const flight of pending.slice(0, count)) {
      server.latePending++;
      server.time.at(Math.max(this.#arrivalMs, server.time.nowMs + lateMs), () => {
        if (boot !== server.boot) return;
        server.latePending--;
        server.lastLateMs = server.time.nowMs;
        flight.apply(true);
      });
    }
  }
}
