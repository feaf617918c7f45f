import { cleanText } from '../../util/clean-text.ts';
import { formatSize } from '../../util/format-size.ts';
import type { Report } from './direction.ts';

/** Tells that a partial file of `bytes` bytes, which occupied room that is needed, was removed. */
export function tellPartialRemoved(report: Pick<Report, 'notice'>, path: Uint8Array, bytes: number): void {
  const partial = `${cleanText(path)} (${formatSize(bytes)})`;
  report.notice('partial-removed', `The partial file of an earlier run was removed: ${partial}.`);
}
