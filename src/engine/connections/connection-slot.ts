/** One place for a connection of a run, and what its failures mean. */
import type { CopyErrorData } from '../../errors.ts';
import { LOCAL_CONNECTIONS } from '../runner/runners.ts';
import { MAX_REFUSALS } from './retry-policy.ts';

export interface Slot {
  readonly connection: number;
  /**
   * - `waiting`: it is to be dialled, at once or when its timer ends
   * - `dialling`, `open`
   * - `closing`: it was hung up; its tasks are about to end
   * - `given-up`: it is not wanted, or its failures have shown that it is of no use to dial it again now
   * - `spare`: it is not used because fewer connections are
   */
  state: 'waiting' | 'dialling' | 'open' | 'closing' | 'given-up' | 'spare';
  /** Refusals in a row. */
  refusals: number;
  /** Failures in a row since it was last open. */
  failures: number;
  /** Of those, the last ones in a row that are not failures of the line: {@link isBroken}. */
  brokenHandshakes: number;
  timer: NodeJS.Timeout | undefined;
  /** While it is dialling: the server has let it in. */
  isAdmitted: boolean;
  /** It was given up for good, or is about to be, because it is not wanted. */
  isFinal: boolean;
  /** It is closed only to be opened again. */
  isRenewing: boolean;
}

export function newSlot(connection: number): Slot {
  return {
    connection,
    state: 'waiting',
    refusals: 0,
    failures: 0,
    brokenHandshakes: 0,
    timer: undefined,
    isAdmitted: false,
    isFinal: false,
    isRenewing: false,
  };
}

/** Whether the server refused the connection as one too many, and did not refuse its login. */
export function isRefused({ refusals }: Slot): boolean {
  return refusals > 0;
}

/** Whether the connection may be tried again although it was given up. */
export function isRevivable({ state, isFinal }: Slot): boolean {
  return state === 'given-up' && !isFinal;
}

/** The connection is tried again; after one more refusal it is given up again. */
export function revive(slot: Slot): void {
  slot.state = 'waiting';
  slot.refusals = MAX_REFUSALS - 1;
  slot.brokenHandshakes = 0;
}

export function stopWaiting(slot: Slot): void {
  clearTimeout(slot.timer);
  slot.timer = undefined;
}

/** Nothing answers there, and nothing shows that a server ever did: a later attempt would most likely not help. */
export function isUnreachable({ code, retry }: CopyErrorData): boolean {
  return code === 'connection-failed' && !retry;
}

/** A failure that a server may cause on purpose, and then causes every time: only a few attempts are made. */
export function isBroken({ code }: CopyErrorData): boolean {
  return code === 'authentication-lost' || code === 'protocol';
}

/**
 * Whether the connection is always in the thread that lists and commits: without one of these, no file can be
 * committed.
 */
export function isOwn({ connection }: Pick<Slot, 'connection'>): boolean {
  return connection <= LOCAL_CONNECTIONS;
}

export function isFirstAttempt({ state, failures }: Slot): boolean {
  return state === 'dialling' && failures === 0;
}
