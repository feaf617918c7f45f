/** From what a run came to, to what its caller and its observers are told: every figure, whichever there are. */
import type { TransferEventBody } from '../events.ts';
import type { TransferOutcome } from './transfer-options.ts';

export type ResultEvent = Extract<TransferEventBody, { readonly type: 'result' }>;

/** `isSeveral`: whether there may be several file jobs, so that the failure of one is not the exit code of all. */
export function resultOf(outcome: TransferOutcome, isSeveral: boolean, elapsedMs: number): ResultEvent {
  const { error, ended, ...totals } = outcome;
  const exitCode = error === undefined ? 0 : isSeveral && !ended ? 1 : error.exitCode;
  return { type: 'result', exitCode, ...totals, elapsedMs, ...(error && { error: error.toData() }) };
}
