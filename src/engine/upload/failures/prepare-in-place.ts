/** Checks before the target itself is overwritten that there is room, so that the old file is not destroyed in vain. */
import { CopyError } from '../../../errors.ts';
import type { Attributes, RemoteConnection, Situation } from '../../../remotes/remote.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { formatSize } from '../../../util/format-size.ts';
import type { JournalStore } from '../../resume/file-journal.ts';
import { Journal } from '../../resume/journal.ts';
import { journalPath } from '../../resume/journal-place.ts';
import type { Report } from '../../transfer/direction.ts';
import { tellPartialRemoved } from '../../transfer/tell-partial-removed.ts';

/**
 * Removes the partial file that an earlier run on this machine left for the target, because it may occupy the room that
 * is needed, and checks whether the new file fits into what is available and what the old file occupies. If it is known
 * beforehand that this is too little, nothing is removed.
 * @throws {CopyError} `no-space`: there is too little room; `journal-newer`: a newer version of this program wrote the
 *   journal
 */
export async function prepareInPlace(
  { journals, report }: { readonly journals: JournalStore | undefined; readonly report: Pick<Report, 'notice'> },
  remote: RemoteConnection,
  target: Uint8Array,
  size: number,
): Promise<void> {
  const journal = journals && (await openJournal(journals, target));
  const token = journal?.header.token;
  const before = await remote.examine(target, token, false);
  checkRoom(before, target, size, sizeOf(before.staged?.at));
  if (journal !== undefined && token !== undefined) {
    await remote.discard(token);
    await journal.finish();
    const after = await remote.examine(target, token, false);
    if (sizeOf(before.staged?.at) > 0 && after.staged?.at === 'missing') {
      tellPartialRemoved(report, before.staged!.path, sizeOf(before.staged!.at));
    }
    checkRoom(after, target, size, 0);
  }
  if (before.space !== undefined || sizeOf(before.target) === 0 || growth(before, size) === 0) return;
  const grows = `it has to hold ${formatSize(growth(before, size))} more than the old file`;
  const risk = `${cleanText(target)} loses its old content even if there is no room for the new one: ${grows}`;
  report.notice('room-unknown', `The server does not tell how much room it has. ${risk}.`, 'warning');
}

function openJournal(journals: JournalStore, target: Uint8Array): Promise<Journal | undefined> {
  const { directory, identity, machine, onFailed } = journals;
  return Journal.open(journalPath(directory, identity, target, machine), onFailed);
}

/**
 * Without an old file there is nothing to destroy, and no check. `freed`: bytes that are going to be available as well.
 * @throws {CopyError} `no-space`: the new file does not fit
 */
function checkRoom(situation: Situation, target: Uint8Array, size: number, freed: number): void {
  const { space, staged } = situation;
  const grows = growth(situation, size);
  if (space === undefined || sizeOf(situation.target) === 0 || space.availableBytes + freed >= grows) return;
  const partial =
    sizeOf(staged?.at) > 0
      ? `; the partial file ${cleanText(staged!.path)} occupies ${formatSize(sizeOf(staged!.at))}`
      : '';
  const available = `${formatSize(space.availableBytes)} are available${partial}`;
  throw new CopyError(
    'no-space',
    `The new file needs ${formatSize(grows)} more than the old ${cleanText(target)}, and ${available}.`,
    {
      advice: `Make room on the server for ${formatSize(grows - space.availableBytes)} more; the old file was not touched.`,
    },
  );
}

/** By how many bytes the target grows. */
function growth({ target }: Situation, size: number): number {
  return Math.max(0, size - sizeOf(target));
}

function sizeOf(found: Attributes | 'missing' | undefined): number {
  return found === undefined || found === 'missing' ? 0 : found.size;
}
