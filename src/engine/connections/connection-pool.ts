/**
 * The connections of a run: opens as many as are wanted and the server admits, and opens lost ones anew.
 *
 * What can go wrong: the server refuses connections, because it is full or admits only some at a time; it refuses
 * logins; the line is lost; or connections open and are lost without an answer. A failing connection never fails the
 * run while another one works or the time to retry is not over. {@link Slot} lists the states of a connection.
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
  stopWaiting,
} from './connection-slot.ts';
import { ConnectionSlots, type LimitReason } from './connection-slots.ts';
import { Dialler, type DiallerOptions } from './dialler.ts';
import { Patience } from './patience.ts';
import { admissionDelayMs, MAX_BROKEN_HANDSHAKES, MAX_REFUSALS, redialDelayMs } from './retry-policy.ts';
import { Revival } from './revival.ts';

export interface ConnectionPoolOptions extends DiallerOptions {
  /** Connections to open. */
  readonly wanted: number;
  /** How long a run may be without any connection. */
  readonly retryForMs: number;
}

export interface ConnectionPoolListener {
  onOpened(connection: number): void;
  /** The connection is being hung up: nothing more is to be asked of it. Its tasks are about to end. */
  onClosing(connection: number): void;
  /** The connection is gone; its tasks have ended before. */
  onLost(connection: number): void;
  /** Whether an operation with a deadline of its own is being performed on an open connection. */
  isPerforming(): boolean;
  /** No connection is left and none is to be had: the run is over. */
  onFailed(error: CopyError): void;
  emit(event: TransferEventBody): void;
}

export class ConnectionPool {
  readonly #runner: PieceRunner;
  readonly #options: ConnectionPoolOptions;
  readonly #listener: ConnectionPoolListener;
  readonly #slots: ConnectionSlots;
  readonly #dialler: Dialler;
  readonly #outage: ConnectionOutage;
  readonly #revival: Revival = new Revival(() => this.#reviveOne());
  readonly #patience: Patience;
  #hasOpened = false;
  /** Set when it is known that the credential of the open connection works for no other. */
  #loginsRefused: { readonly error: CopyErrorData; isTold: boolean } | undefined;
  /** Connections lost since bytes were last acknowledged. */
  #lossesWithoutProgress = 0;
  #hasEnded = false;

  constructor(runner: PieceRunner, options: ConnectionPoolOptions, listener: ConnectionPoolListener) {
    this.#runner = runner;
    this.#options = options;
    this.#listener = listener;
    this.#patience = new Patience(options.retryForMs);
    this.#outage = new ConnectionOutage(options.retryForMs);
    this.#slots = new ConnectionSlots(options.wanted, (connection) =>
      listener.emit({ type: 'connection', connection, state: 'closed' }),
    );
    this.#dialler = new Dialler(this.#slots, this.#outage, options, ({ connection }) => {
      listener.emit({ type: 'connection', connection, state: 'opening' });
      runner.post({ kind: 'open', connection });
    });
  }

  /** How many connections were asked for, or are used at most. */
  get wanted(): number {
    return this.#slots.most;
  }

  /** Connections that are open now, the lowest number first. */
  get open(): readonly number[] {
    return this.#slots.open;
  }

  isOpen(connection: number): boolean {
    return this.#slots.get(connection)?.state === 'open';
  }

  start(): void {
    this.#dialler.dial();
  }

  /** To be called once, when it turns out that `count` connections are wanted, more or fewer than before. */
  want(count: number): void {
    for (const connection of this.#slots.want(count)) {
      if (this.isOpen(connection)) this.drop(connection);
      else this.#runner.post({ kind: 'close', connection });
    }
    this.#dialler.dial();
  }

  /** Takes what a runner reports of connections; returns false for reports on tasks. */
  report(report: RunnerReport): boolean {
    switch (report.kind) {
      case 'admitted':
        this.#slots.get(report.connection).isAdmitted = true;
        this.#dialler.dial();
        return true;
      case 'opened':
        this.#opened(this.#slots.get(report.connection), report.description);
        return true;
      case 'open-failed':
        this.#openFailed(this.#slots.get(report.connection), report.error);
        return true;
      case 'lost':
        this.#lost(this.#slots.get(report.connection), report.error);
        return true;
      default:
        return false;
    }
  }

  /** Bytes were acknowledged: the losses before that are no reason to give the run up. */
  onProgress(): void {
    this.#lossesWithoutProgress = 0;
    this.#patience.onProgress();
  }

  /** Hangs up a connection that is of no use as it is. It is opened anew, unless as many work as may. */
  drop(connection: number): void {
    const slot = this.#slots.get(connection);
    if (slot.state !== 'open') return;
    slot.state = 'closing';
    this.#slots.onOpenChanged();
    this.#listener.onClosing(connection);
    this.#runner.post({ kind: 'close', connection });
  }

  /** Hangs up a connection that has nothing to do, and opens it anew at once. */
  renew(connection: number): void {
    const slot = this.#slots.get(connection);
    if (slot.state !== 'open') return;
    slot.isRenewing = true;
    this.drop(connection);
  }

  /**
   * Lets at most `most` connections (at least 1) work from now on, whichever those are, and hangs up the others: what
   * they have in flight would take the line from the rest for as long as it takes. Each reason has a limit of its own,
   * and the lowest one counts.
   */
  limit(reason: LimitReason, most: number): void {
    this.#slots.limit(reason, most);
    for (const connection of this.#slots.surplus()) this.drop(connection);
    this.#dialler.dial();
  }

  /** Opens nothing any more and hangs up what is not needed for the end of the run. */
  end(): void {
    this.#hasEnded = true;
    this.#dialler.end();
    this.#revival.end();
    for (const slot of this.#slots) {
      stopWaiting(slot);
      if (slot.state === 'dialling' || slot.state === 'open') {
        this.#runner.post({ kind: 'close', connection: slot.connection });
      }
    }
  }

  #opened(slot: Slot, description: string): void {
    slot.state = 'open';
    this.#slots.onOpenChanged();
    slot.refusals = 0;
    slot.failures = 0;
    slot.brokenHandshakes = 0;
    this.#hasOpened = true;
    // A server that admits a connection after an outage, or one that it refused before, may admit others.
    for (const other of this.#slots) {
      if (isRevivable(other) && (this.#outage.isOn || (this.#revival.hasTried && isRefused(other)))) revive(other);
    }
    this.#revival.onOpened();
    this.#outage.end();
    if (this.#hasEnded) return this.#runner.post({ kind: 'close', connection: slot.connection });
    this.#listener.emit({ type: 'connection', connection: slot.connection, state: 'open', description });
    this.#listener.onOpened(slot.connection);
    this.#tellLoginsRefused();
    // The limit may have fallen during the handshake, or this connection can commit and exceeds the limit.
    for (const connection of this.#slots.surplus(slot)) this.drop(connection);
    this.#dialler.dial();
  }

  #openFailed(slot: Slot, error: CopyErrorData): void {
    slot.state = 'waiting';
    if (this.#hasEnded || !this.#isUsed(slot)) return;
    slot.failures++;
    slot.brokenHandshakes = isBroken(error) ? slot.brokenHandshakes + 1 : 0;
    if (error.code === 'credential-not-reusable') {
      this.#noMoreLogins(slot, error);
    } else if (!this.#hasOpened && isUnreachable(error)) {
      // It may have several addresses, and another attempt reach one that answers.
      if (!this.#slots.some(isFirstAttempt)) return this.#fail(CopyError.fromData(error));
      this.#wait(slot, error, redialDelayMs(slot.failures), 'lost');
    } else if (error.scope === 'run' || !error.retry) {
      // After one that worked, a failed login is most likely a server that is full and does not say so.
      if (!this.#hasOpened) return this.#fail(CopyError.fromData(error));
      // The last connection keeps trying, but never sends a refused credential again.
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
    this.#dialler.dial();
  }

  /** The credential of the open connection works for no other: the others are given up, and the user is told. */
  #noMoreLogins(slot: Slot, error: CopyErrorData): void {
    if (this.open.length + this.#slots.in('dialling').length === 0)
      return this.#wait(slot, error, redialDelayMs(0), 'lost');
    for (const other of this.#slots) {
      if (other.state !== 'waiting' && other.state !== 'spare') continue;
      stopWaiting(other);
      other.isFinal = true;
      other.state = 'given-up';
      this.#listener.emit({ type: 'connection', connection: other.connection, state: 'given-up', error });
    }
    this.#loginsRefused ??= { error, isTold: false };
    this.#tellLoginsRefused();
  }

  /** Tells once why there are so few, and not before the connection that was let in is open. */
  #tellLoginsRefused(): void {
    const refused = this.#loginsRefused;
    const left = this.open.length;
    if (refused === undefined || left === 0 || refused.isTold) return;
    refused.isTold = true;
    const { error } = refused;
    const message = `${error.message} ${left} connection${left === 1 ? ' remains' : 's remain'}.`;
    this.#listener.emit({ type: 'notice', level: 'warning', code: error.code, message });
  }

  /**
   * The server is full, or admits only so many at a time: fewer are tried at once, later, and this one is given up at
   * last.
   */
  #refused(slot: Slot, error: CopyErrorData): void {
    slot.refusals++;
    this.#dialler.onRefused();
    if (slot.refusals < MAX_REFUSALS || this.open.length === 0) {
      return this.#wait(slot, error, admissionDelayMs(slot.refusals), 'refused');
    }
    this.#giveUp(slot, error);
    this.#revival.schedule();
  }

  #lost(slot: Slot, error: CopyErrorData | undefined): void {
    const { isRenewing } = slot;
    slot.state = 'waiting';
    this.#slots.onOpenChanged();
    slot.isRenewing = false;
    this.#listener.onLost(slot.connection);
    if (this.#hasEnded || !this.#isUsed(slot)) return;
    if (isRenewing) return this.#dialler.dial();
    this.#lossesWithoutProgress++;
    const isAnswerAwaited = this.open.length > 0 && this.#listener.isPerforming();
    if (this.#patience.hasEnded(performance.now()) && !isAnswerAwaited) {
      const silent = new CopyError('connection-stalled', 'Connections open, but nothing that is sent is answered.');
      return this.#fail(error === undefined ? silent : CopyError.fromData(error));
    }
    // If connections are lost repeatedly without progress, the pauses grow.
    this.#wait(slot, error, redialDelayMs(Math.floor((this.#lossesWithoutProgress - 1) / this.#slots.most)), 'lost');
    this.#dialler.dial();
  }

  #wait(slot: Slot, error: CopyErrorData | undefined, delayMs: number, state: 'lost' | 'refused'): void {
    const isAttempt = slot.failures > 0;
    slot.state = 'waiting';
    if (this.open.length === 0) {
      if (this.#hasOpened) this.#outage.begin(performance.now());
      const isLast = !this.#slots.some((other) => other.state === 'dialling');
      if (isAttempt && isLast) return this.#waitForAny(slot, error, state);
    }
    this.#tellWait(slot, error, delayMs, state);
    slot.timer = setTimeout(() => {
      slot.timer = undefined;
      this.#dialler.dial();
    }, delayMs);
  }

  /** No connection is open and no attempt is under way: attempts are made one at a time from now on. */
  #waitForAny(slot: Slot, error: CopyErrorData | undefined, state: 'lost' | 'refused'): void {
    const pauseMs = this.#outage.attemptFailed(performance.now());
    if (pauseMs === undefined) {
      const message = `No connection for ${formatDuration(this.#options.retryForMs)}: ${error?.message ?? 'lost'}`;
      return this.#fail(new CopyError('no-connection', message, error && { advice: error.advice }));
    }
    for (const other of this.#slots) stopWaiting(other);
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

  /** What a server refuses for a while, for example after many attempts, is tried again later. */
  #reviveOne(): boolean {
    const slot = [...this.#slots].find((one) => isRevivable(one) && isRefused(one));
    if (slot === undefined) return false;
    revive(slot);
    this.#dialler.dial();
    return true;
  }

  #giveUp(slot: Slot, error: CopyErrorData): void {
    // Without one of these connections no file can be committed, however many others are open.
    if (this.#hasOpened && isOwn(slot) && !this.#slots.some((other) => isOwn(other) && other.state === 'open')) {
      // Whatever is refused is asked for more and more rarely, because servers ban clients that log in often.
      return this.#wait(slot, error, admissionDelayMs(Math.max(slot.refusals, slot.failures)), 'refused');
    }
    slot.state = 'given-up';
    this.#listener.emit({ type: 'connection', connection: slot.connection, state: 'given-up', error });
    if (this.#slots.every(({ state }) => state === 'given-up')) this.#fail(CopyError.fromData(error));
  }

  /** Whether a connection that is to be dialled again may be; otherwise it is spare, or given up. */
  #isUsed(slot: Slot): boolean {
    this.#slots.fit();
    return slot.state === 'waiting';
  }

  #fail(error: CopyError): void {
    if (this.#hasEnded) return;
    this.end();
    this.#listener.onFailed(error);
  }
}
