/** One place for a connection of a run, and what its failures mean. */
import type { CopyErrorData } from '../../errors.ts';
import { MAX_REFUSALS } from './retry-policy.ts';

export interface Slot {
  readonly connection: number;
  state: 'waiting' | 'dialling' | 'open' | 'closing' | 'given-up';
  /** Refusals in a row. */
  refusals: number;
  /** Failures in a row since it was last open. */
  failures: number;
  /** Of those, the last ones in a row that are no matter of the line: {@link isBroken}. */
  brokenHandshakes: number;
  timer: NodeJS.Timeout | undefined;
  /** While it is dialling: the server has let it in. */
  admitted: boolean;
  /** It was given up for good. */
  isFinal: boolean;
  /** It is closed only to be opened again. */
  renewing: boolean;
  /** It is given up only because fewer are used. */
  spare: boolean;
}

/** Whether the server refused it as one too many, rather than its login. */
export function isRefused({ refusals }: Slot): boolean {
  return refusals > 0;
}

/** Whether it may be tried again, though it was given up. */
export function isRevivable({ state, isFinal, spare }: Slot): boolean {
  return state === 'given-up' && !isFinal && !spare;
}

/** One more refusal, and it is given up again. */
export function revive(slot: Slot): void {
  slot.state = 'waiting';
  slot.refusals = MAX_REFUSALS - 1;
  slot.brokenHandshakes = 0;
}

/** Nothing answers there, and nothing tells that a server ever did: a later attempt would most likely not help. */
export function isUnreachable({ code, retry }: CopyErrorData): boolean {
  return code === 'connection-failed' && !retry;
}

/** What a server may do on purpose, and would do for ever, so that it is tried some times only. */
export function isBroken({ code }: CopyErrorData): boolean {
  return code === 'authentication-lost' || code === 'protocol';
}

/** Connections that are always in the thread that lists and commits. */
const OWN_CONNECTIONS = 2;

export function isOwn({ connection }: Slot): boolean {
  return connection <= OWN_CONNECTIONS;
}

export function isFirstAttempt({ state, failures }: Slot): boolean {
  return state === 'dialling' && failures === 0;
}
