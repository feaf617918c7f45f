/**
 * Makes the last event of a run from its outcome. It has every figure of the outcome, also those that are added later.
 */
import type { TransferEventBody } from '../events.ts';
import type { TransferOutcome } from './transfer-options.ts';

export type ResultEvent = Extract<TransferEventBody, { readonly type: 'result' }>;

/** `hasSeveralSources`: whether several were named. Where there are several files, the failure of one is not that of all. */
export function resultOf(outcome: TransferOutcome, hasSeveralSources: boolean, elapsedMs: number): ResultEvent {
  const { error, hasEndedRun, ...totals } = outcome;
  const isSeveral = hasSeveralSources || totals.filesDone + totals.filesFailed + totals.filesSkipped > 1;
  const exitCode = error === undefined ? 0 : isSeveral && !hasEndedRun ? 1 : error.exitCode;
  return { type: 'result', exitCode, ...totals, elapsedMs, ...(error && { error: error.toData() }) };
}
