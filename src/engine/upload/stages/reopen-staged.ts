/** Opens what an earlier run staged, or a copy of it, to continue the file there. */
import { CopyError, isBeyondFile } from '../../../errors.ts';
import type { Range, RemoteConnection, Staged, StageToken } from '../../../remotes/remote.ts';
import type { Claim, FileJournal } from '../../resume/file-journal.ts';
import { differingSamples } from '../../resume/sample-claims.ts';
import type { Claims } from '../../transfer/job-resume.ts';

/** The local file. */
export interface ReopenedSource {
  readonly fd: number;
  /** Bytes. */
  readonly size: number;
}

export interface Reopened extends Omit<Claims, 'older'> {
  readonly staged: Staged;
  /** Whether the journal is about the staged file; otherwise it is a copy, which no journal names yet. */
  readonly isOurs: boolean;
}

/** Whether the server can be made to hash what is staged, so that the digests decide. */
export type CanCompare = (staged: Staged, claims: readonly Range[]) => Promise<boolean>;

/**
 * Opens what an earlier run on this machine staged, if it may be continued; undefined: the file has to be staged anew.
 * Without `canCompare` only the journal can tell what is in it.
 */
export async function reopenStaged(
  remote: RemoteConnection,
  journal: FileJournal,
  source: ReopenedSource,
  canCompare?: CanCompare,
): Promise<Reopened | undefined> {
  if (!journal.mayContinue) return undefined;
  // Digests also cover bytes that the server has only in its memory.
  const canTell = journal.wasSyncRefused ? undefined : canCompare;
  const compared = canTell && (await reopenByDigests(remote, journal, source, canTell));
  return compared ?? (await reopenByJournal(remote, journal, source));
}

/** Opens a copy of what others staged: all of it is to be compared. */
export async function reopenCopy(
  remote: RemoteConnection,
  token: StageToken,
  source: ReopenedSource,
  canCompare: CanCompare,
): Promise<Reopened | undefined> {
  const staged = await remote.reopen(token);
  if (staged === undefined) return undefined;
  const written = writtenIn(staged, source);
  if (!(await isComparable(staged, [written], source, canCompare))) return undefined;
  return { staged, claims: [written], by: 'digests', isOurs: false };
}

/** The digests decide what is right; the journal only shows which ranges to check. */
async function reopenByDigests(
  remote: RemoteConnection,
  journal: FileJournal,
  source: ReopenedSource,
  canCompare: CanCompare,
): Promise<Reopened | undefined> {
  const staged = await remote.reopen(journal.staged!);
  if (staged === undefined) return undefined;
  const claims = [...journal.near(writtenIn(staged, source))];
  if (!(await isComparable(staged, claims, source, canCompare))) return undefined;
  journal.continueByDigests(staged.found);
  return { staged, claims, by: 'digests', isOurs: true };
}

/** The server cannot hash. Claims what is durable by the journal, if the staged file looks as that run left it. */
async function reopenByJournal(
  remote: RemoteConnection,
  journal: FileJournal,
  source: ReopenedSource,
): Promise<Reopened | undefined> {
  const { claims } = journal;
  if (claims.length === 0) return undefined;
  const staged = await remote.reopen(journal.staged!);
  if (staged === undefined) return undefined;
  const right = journal.isAsLeft(staged.found, claims) ? await sampled(staged, journal, claims, source) : [];
  if (right.length === 0) {
    await staged.close();
    return undefined;
  }
  journal.continueByJournal(right);
  return { staged, claims: right, by: 'journal', isOurs: true };
}

function writtenIn({ found }: Staged, { size }: ReopenedSource): Range {
  return { offset: 0, length: Math.min(found?.size ?? 0, size) };
}

/** Whether digests can show which of `claims` are right; if not, `staged` is closed. */
async function isComparable(
  staged: Staged,
  claims: readonly Range[],
  { size }: ReopenedSource,
  canCompare: CanCompare,
): Promise<boolean> {
  const isEmpty = claims.every(({ length }) => length === 0);
  // Bytes beyond the end would change the digest of the last piece.
  await staged.cutOff(size);
  if (!isEmpty && (await canCompareOrClosed(staged, claims, canCompare))) return true;
  await staged.close();
  return false;
}

/** If it fails because of the connection, it is tried on another one, and the file is closed on this one first. */
async function canCompareOrClosed(staged: Staged, claims: readonly Range[], canCompare: CanCompare): Promise<boolean> {
  try {
    return await canCompare(staged, claims);
  } catch (error) {
    await staged.close().catch(() => {});
    throw error;
  }
}

/** The claims of which a few bytes were compared, and are right; none where the server does not let them be read. */
async function sampled(
  staged: Staged,
  journal: FileJournal,
  claims: readonly Claim[],
  { fd }: ReopenedSource,
): Promise<Claim[]> {
  try {
    const differing = await differingSamples((slices, drain) => staged.readBack(slices, drain), fd, claims);
    await journal.withdraw(claims.filter(({ offset }) => differing.has(offset)));
    return claims.filter(({ offset }) => !differing.has(offset));
  } catch (error) {
    const failure = CopyError.from(error);
    if (isBeyondFile(failure)) throw failure;
    return [];
  }
}
