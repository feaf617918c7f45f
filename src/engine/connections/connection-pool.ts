/**
 * The connections of a run: opens as many as are wanted and the server admits, a few handshakes at a time, and opens
 * lost ones anew. A failing connection never fails the run while another works or the time to retry is not over.
 */
import { CopyError, type CopyErrorData } from '../../errors.ts';
import { formatDuration } from '../../util/format-duration.ts';
import type { TransferEventBody } from '../events.ts';
import type { PieceRunner, RunnerReport } from '../runner/piece-runner.ts';
import { ConnectionOutage } from './connection-outage.ts';
import {
  isBroken,
  isFirstAttempt,
  isOwn,
  isRefused,
  isRevivable,
  isUnreachable,
  revive,
  type Slot,
} from './connection-slot.ts';
import { Patience } from './patience.ts';
import {
  admissionDelayMs,
  MAX_BROKEN_HANDSHAKES,
  MAX_REFUSALS,
  redialDelayMs,
  revivalDelayMs,
} from './retry-policy.ts';

export interface ConnectionPoolOptions {
  /** Connections to open. */
  readonly wanted: number;
  /** Handshakes under way at once. */
  readonly maxStartups: number;
  /** Pause between attempts. */
  readonly connectIntervalMs: number;
  /** How long a run may be without any connection. */
  readonly retryForMs: number;
}

export interface ConnectionPoolListener {
  opened(connection: number): void;
  /** It is being hung up: nothing more is to be asked of it. Its tasks are about to end. */
  closing(connection: number): void;
  /** Its tasks have ended before. */
  lost(connection: number): void;
  /** No connection is left and none is to be had: the run is over. */
  failed(error: CopyError): void;
  emit(event: TransferEventBody): void;
}

export class ConnectionPool {
  readonly #runner: PieceRunner;
  readonly #options: ConnectionPoolOptions;
  readonly #listener: ConnectionPoolListener;
  readonly #slots: Slot[] = [];
  #startups: number;
  #everOpen = false;
  readonly #outage: ConnectionOutage;
  /** How often one that was given up was tried again, in a row and in vain. */
  #revivals = 0;
  /** What let one connection in is good for no other. */
  #loginsRefused: CopyErrorData | undefined;
  #isToldOfLogins = false;
  #revivalTimer: NodeJS.Timeout | undefined;
  #lastDialMs = Number.NEGATIVE_INFINITY;
  #dialTimer: NodeJS.Timeout | undefined;
  /** Connections lost since bytes were last acknowledged. */
  #fruitless = 0;
  readonly #patience: Patience;
  /** Connections with higher numbers are not used. */
  #most = Number.POSITIVE_INFINITY;
  #ended = false;

  constructor(runner: PieceRunner, options: ConnectionPoolOptions, listener: ConnectionPoolListener) {
    this.#runner = runner;
    this.#options = options;
    this.#listener = listener;
    this.#startups = options.maxStartups;
    this.#patience = new Patience(options.retryForMs);
    this.#outage = new ConnectionOutage(options.retryForMs);
    for (let connection = 1; connection <= options.wanted; connection++) {
      this.#slots.push({
        connection,
        state: 'waiting',
        refusals: 0,
        failures: 0,
        brokenHandshakes: 0,
        timer: undefined,
        admitted: false,
        isFinal: false,
        renewing: false,
        spare: false,
      });
    }
  }

  /** How many connections were asked for, or are used at most. */
  get wanted(): number {
    return Math.min(this.#slots.length, this.#most);
  }

  /** Connections that are open now, lowest first. */
  get open(): number[] {
    return this.#slots.filter(({ state }) => state === 'open').map(({ connection }) => connection);
  }

  start(): void {
    this.#dial();
  }

  /** Takes what a runner reports of connections; returns false for reports on tasks. */
  report(report: RunnerReport): boolean {
    switch (report.kind) {
      case 'admitted':
        this.#slot(report.connection).admitted = true;
        this.#dial();
        return true;
      case 'opened':
        this.#opened(this.#slot(report.connection), report.description);
        return true;
      case 'open-failed':
        this.#openFailed(this.#slot(report.connection), report.error);
        return true;
      case 'lost':
        this.#lost(this.#slot(report.connection), report.error);
        return true;
      default:
        return false;
    }
  }

  /** Bytes were acknowledged: whatever was lost before, it is worth going on. */
  progressed(): void {
    this.#fruitless = 0;
    this.#patience.progressed();
  }

  /** Hangs up a connection that is too slow to be of use; it is opened anew. */
  drop(connection: number): void {
    const slot = this.#slot(connection);
    if (slot.state !== 'open') return;
    slot.state = 'closing';
    this.#listener.closing(connection);
    this.#runner.post({ kind: 'close', connection });
  }

  /** Hangs up a connection that has nothing to do, and opens it anew at once. */
  renew(connection: number): void {
    const slot = this.#slot(connection);
    if (slot.state !== 'open') return;
    slot.renewing = true;
    this.drop(connection);
  }

  /** Opens none whose number is above `most` (at least 1), also when it is lost; those that are open stay open. */
  limit(most: number): void {
    this.#most = Math.max(1, most);
    for (const slot of this.#slots) {
      const isUsed = slot.connection <= this.#most;
      if (!isUsed && slot.state === 'waiting') this.#spare(slot);
      else if (isUsed && slot.spare) {
        slot.spare = false;
        slot.state = 'waiting';
      }
    }
    this.#dial();
  }

  #spare(slot: Slot): void {
    clearTimeout(slot.timer);
    slot.timer = undefined;
    slot.spare = true;
    slot.state = 'given-up';
    this.#listener.emit({ type: 'connection', connection: slot.connection, state: 'closed' });
  }

  /** Opens nothing any more and hangs up what is not needed for the end of the run. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#dialTimer);
    clearTimeout(this.#revivalTimer);
    for (const slot of this.#slots) {
      clearTimeout(slot.timer);
      if (slot.state === 'dialling' || slot.state === 'open') {
        this.#runner.post({ kind: 'close', connection: slot.connection });
      }
    }
  }

  #dial(): void {
    if (this.#ended) return;
    clearTimeout(this.#dialTimer);
    const startups = this.#slots.filter(({ state, admitted }) => state === 'dialling' && !admitted).length;
    const atOnce = this.#outage.failedAttempts > 0 ? 1 : Math.max(1, Math.floor(this.#startups));
    let room = atOnce - startups;
    for (const slot of this.#slots) {
      if (room <= 0) return;
      if (slot.state !== 'waiting' || slot.timer !== undefined) continue;
      const notBeforeMs = Math.max(this.#lastDialMs + this.#options.connectIntervalMs, this.#outage.nextAttemptMs);
      const pauseMs = notBeforeMs - performance.now();
      if (pauseMs > 0) {
        this.#dialTimer = setTimeout(() => this.#dial(), pauseMs);
        return;
      }
      this.#lastDialMs = performance.now();
      slot.state = 'dialling';
      slot.admitted = false;
      room--;
      this.#listener.emit({ type: 'connection', connection: slot.connection, state: 'opening' });
      this.#runner.post({ kind: 'open', connection: slot.connection });
    }
  }

  #opened(slot: Slot, description: string): void {
    slot.state = 'open';
    slot.refusals = 0;
    slot.failures = 0;
    slot.brokenHandshakes = 0;
    this.#everOpen = true;
    // A server that lets one in after a time without any, or one that it kept refusing, may let others in too.
    for (const other of this.#slots) {
      if (isRevivable(other) && (this.#outage.isOn || (this.#revivals > 0 && isRefused(other)))) revive(other);
    }
    this.#revivals = 0;
    this.#outage.end();
    if (this.#ended) return this.#runner.post({ kind: 'close', connection: slot.connection });
    this.#listener.emit({ type: 'connection', connection: slot.connection, state: 'open', description });
    this.#listener.opened(slot.connection);
    this.#tellLoginsRefused();
    // The limit came while it was dialled.
    if (slot.connection > this.#most) this.drop(slot.connection);
    this.#dial();
  }

  #openFailed(slot: Slot, error: CopyErrorData): void {
    slot.state = 'waiting';
    if (this.#ended) return;
    if (slot.connection > this.#most) return this.#spare(slot);
    slot.failures++;
    slot.brokenHandshakes = isBroken(error) ? slot.brokenHandshakes + 1 : 0;
    if (error.code === 'credential-not-reusable') {
      this.#noMoreLogins(slot, error);
    } else if (!this.#everOpen && isUnreachable(error)) {
      // It may have several addresses, and another attempt reach one that answers.
      if (!this.#slots.some(isFirstAttempt)) return this.#fail(CopyError.fromData(error));
      this.#wait(slot, error, redialDelayMs(slot.failures), 'lost');
    } else if (error.scope === 'run' || !error.retry) {
      // After one that worked, a failed login is most likely a server that is full and does not say so.
      if (!this.#everOpen) return this.#fail(CopyError.fromData(error));
      // The last one that is left keeps trying, but never shows again what was refused.
      if (this.open.length === 0 && !this.#mayStillCome(slot)) {
        if (error.code === 'authentication-failed') return this.#fail(CopyError.fromData(error));
        this.#refused(slot, error);
      } else {
        slot.refusals = 0;
        this.#giveUp(slot, error);
      }
    } else if (slot.brokenHandshakes >= MAX_BROKEN_HANDSHAKES) {
      if (this.open.length === 0) return this.#fail(CopyError.fromData(error));
      this.#giveUp(slot, error);
    } else if (error.code === 'connection-refused') {
      this.#refused(slot, error);
    } else {
      this.#wait(slot, error, redialDelayMs(slot.failures), 'lost');
    }
    this.#dial();
  }

  /** What let one connection in is good for no other: those that are not open are given up, and people are told. */
  #noMoreLogins(slot: Slot, error: CopyErrorData): void {
    const dialling = this.#slots.filter(({ state }) => state === 'dialling').length;
    if (this.open.length + dialling === 0) return this.#wait(slot, error, redialDelayMs(0), 'lost');
    for (const other of this.#slots) {
      if (other.state !== 'waiting') continue;
      clearTimeout(other.timer);
      other.timer = undefined;
      other.isFinal = true;
      other.state = 'given-up';
      this.#listener.emit({ type: 'connection', connection: other.connection, state: 'given-up', error });
    }
    this.#loginsRefused ??= error;
    this.#tellLoginsRefused();
  }

  /** Once, and not before the connection that was let in is open. */
  #tellLoginsRefused(): void {
    const error = this.#loginsRefused;
    const left = this.open.length;
    if (error === undefined || left === 0 || this.#isToldOfLogins) return;
    this.#isToldOfLogins = true;
    const message = `${error.message} ${left} connection${left === 1 ? ' remains' : 's remain'}.`;
    this.#listener.emit({ type: 'notice', level: 'warning', code: error.code, message });
  }

  /** The server is full, or admits only so many at a time: fewer at once, later, and at last without this one. */
  #refused(slot: Slot, error: CopyErrorData): void {
    slot.refusals++;
    this.#startups = Math.max(1, this.#startups / 2);
    if (slot.refusals < MAX_REFUSALS || this.open.length === 0) {
      return this.#wait(slot, error, admissionDelayMs(slot.refusals), 'refused');
    }
    this.#giveUp(slot, error);
    this.#reviveLater();
  }

  #lost(slot: Slot, error: CopyErrorData | undefined): void {
    slot.state = 'waiting';
    this.#listener.lost(slot.connection);
    if (this.#ended) return;
    if (slot.connection > this.#most) return this.#spare(slot);
    if (slot.renewing) {
      slot.renewing = false;
      return this.#dial();
    }
    this.#fruitless++;
    if (this.#patience.hasEnded(performance.now())) {
      const silent = new CopyError('connection-stalled', 'Connections open, but nothing that is sent is answered.');
      return this.#fail(error === undefined ? silent : CopyError.fromData(error));
    }
    // Where connections are lost again and again without a byte getting through, haste does not help.
    this.#wait(slot, error, redialDelayMs(Math.floor((this.#fruitless - 1) / this.#slots.length)), 'lost');
    this.#dial();
  }

  #wait(slot: Slot, error: CopyErrorData | undefined, delayMs: number, state: 'lost' | 'refused'): void {
    const isAttempt = slot.failures > 0;
    slot.state = 'waiting';
    if (this.open.length === 0) {
      if (this.#everOpen) this.#outage.begin(performance.now());
      const isLast = !this.#slots.some((other) => other.state === 'dialling');
      if (isAttempt && isLast) return this.#waitForAny(slot, error, state);
    }
    this.#tellWait(slot, error, delayMs, state);
    slot.timer = setTimeout(() => {
      slot.timer = undefined;
      this.#dial();
    }, delayMs);
  }

  /** No connection is open and no attempt is under way: attempts are made one at a time from now on. */
  #waitForAny(slot: Slot, error: CopyErrorData | undefined, state: 'lost' | 'refused'): void {
    const pauseMs = this.#outage.attemptFailed(performance.now());
    if (pauseMs === undefined) {
      const message = `No connection for ${formatDuration(this.#options.retryForMs)}: ${error?.message ?? 'lost'}`;
      return this.#fail(new CopyError('no-connection', message, error && { advice: error.advice }));
    }
    for (const other of this.#slots) {
      clearTimeout(other.timer);
      other.timer = undefined;
    }
    this.#tellWait(slot, error, pauseMs, state);
    if (this.#outage.failedAttempts > 1 || error === undefined) return;
    const message = `${error.message} No connection is open; it is tried again for ${formatDuration(this.#options.retryForMs)}.`;
    this.#listener.emit({ type: 'notice', level: 'warning', code: 'no-connection', message });
  }

  #tellWait({ connection }: Slot, error: CopyErrorData | undefined, delayMs: number, state: 'lost' | 'refused'): void {
    this.#listener.emit({ type: 'connection', connection, state, retryInMs: delayMs, ...(error && { error }) });
  }

  /** Whether a connection other than that of `slot` may still come. */
  #mayStillCome(slot: Slot): boolean {
    return this.#slots.some((other) => other !== slot && other.state !== 'open' && other.state !== 'given-up');
  }

  /** What a server refuses for a while, as after a burst of attempts, is tried again: one at a time, ever more rarely. */
  #reviveLater(): void {
    clearTimeout(this.#revivalTimer);
    this.#revivalTimer = setTimeout(() => {
      const slot = this.#slots.find((one) => isRevivable(one) && isRefused(one));
      if (slot === undefined) return;
      this.#revivals++;
      revive(slot);
      this.#dial();
    }, revivalDelayMs(this.#revivals));
  }

  #giveUp(slot: Slot, error: CopyErrorData): void {
    // Without one of them nobody could commit, however many others are open.
    if (this.#everOpen && isOwn(slot) && !this.#slots.some((other) => isOwn(other) && other.state === 'open')) {
      return this.#wait(slot, error, admissionDelayMs(slot.refusals), 'refused');
    }
    slot.state = 'given-up';
    this.#listener.emit({ type: 'connection', connection: slot.connection, state: 'given-up', error });
    if (this.#slots.every(({ state }) => state === 'given-up')) this.#fail(CopyError.fromData(error));
  }

  #fail(error: CopyError): void {
    if (this.#ended) return;
    this.end();
    this.#listener.failed(error);
  }

  #slot(connection: number): Slot {
    return this.#slots[connection - 1]!;
  }
}
