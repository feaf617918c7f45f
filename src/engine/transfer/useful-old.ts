/** Decides whether an old version of a file is compared with the new one, so that only what differs is transferred. */
import { cleanText } from '../../util/clean-text.ts';
import type { DigestProviders } from '../verify/digest-providers.ts';
import type { Report } from './direction.ts';

export interface UsefulOldServices {
  readonly digests: Pick<DigestProviders, 'isSurelyAvailable'>;
  readonly report: Pick<Report, 'emit'>;
}

/**
 * Whether samples show that the old file at `path` has some of the new content, and the server can hash.
 * `compareSamples` resolves with the part of the samples that is the same: 0 if the old file cannot be read.
 * @throws {CopyError} whatever `compareSamples` rejects with; `cancelled`: the run is over
 */
export async function isUsefulOld(
  { digests, report }: UsefulOldServices,
  path: Uint8Array,
  compareSamples: () => Promise<number>,
): Promise<boolean> {
  if ((await compareSamples()) === 0) return false;
  if (await digests.isSurelyAvailable()) return true;
  const what = `the old ${cleanText(path)}, which has some of the new content`;
  const message = `Nothing is taken from ${what}: the server cannot be made to hash.`;
  report.emit({ type: 'notice', level: 'detail', code: 'not-copied', message });
  return false;
}
