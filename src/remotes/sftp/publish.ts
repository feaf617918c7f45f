/** The commit on SFTP: renames the sealed partial file to its target. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import { asidePath, foreignPath } from '../../util/partial-name.ts';
import type { Attributes, Published, PublishOptions, Seal } from '../remote.ts';
import { removalRefusal, removeAsideFiles } from './aside-files.ts';
import { ExtensionName, StatusCode } from './codec/constants.ts';
import type { SftpStatusError } from './codec/status-error.ts';
import { isMissing, isRefusal, type Look, lookAt, lookThrough } from './looks.ts';
import { oldFileStays, reasonOf, renameRefused } from './rename-refused.ts';
import type { SftpSession } from './session.ts';
import { toCodedError, withCodedErrors } from './sftp-files.ts';
import type { StagedToken } from './staged-token.ts';

interface Move {
  readonly partial: Buffer;
  readonly target: Buffer;
  /**
   * Where an old target is kept while the partial file takes its name, on servers that cannot replace it in one step.
   */
  readonly aside: Buffer;
}

interface Done extends Pick<Published, 'isAtomic' | 'warnings'> {
  /** The target as it was looked at together with the rename, if that succeeded. */
  readonly look?: Look | undefined;
}

/** What was at the target when the run began; undefined where that is unknown. */
type Before = Attributes | 'nothing' | undefined;

const IN_ONE_STEP: Done = { isAtomic: true };

/**
 * See `RemoteConnection.publish`. Renames in one step where the server supports that; otherwise moves the old target
 * aside, renames, and removes the old target. A check for which the server refuses to tell the attributes is skipped.
 * @throws {CopyError} `rename-refused`: when the server refuses; `partial-refused`: when the partial file does not
 *   exist any more; `target-busy`: when the partial file is not as it was sealed, or the target is not what it was
 */
export async function publish(
  session: SftpSession,
  { target, partial, stage }: StagedToken,
  seal: Seal,
  { isRepeat = false, replaces }: PublishOptions,
): Promise<Published> {
  if (partial === undefined) return publishedInPlace(session, target, seal);
  const move: Move = { partial, target, aside: asidePath(target, stage) };
  const checking = replaces && checkNotOvertaken(session, target, replaces, isRepeat ? seal : undefined);
  const { look, ...done } = await moveAsSealed(session, move, seal, { isRepeat, replaces, checking });
  // An earlier call may have moved the old target aside before its connection was lost.
  const left = isRepeat ? await removeAfterwards(session, move, replaces) : undefined;
  // A server that does not answer in order may have looked at the old target.
  const isStale = look === undefined || (look.isTold && look.at?.size !== seal.size);
  const size = isStale ? await sizeOf(session, target, seal) : seenSize(look, seal);
  return { ...(left ?? done), size };
}

/** Nothing has to be renamed. Others cannot be kept from writing to the target, but it is detected that they did. */
async function publishedInPlace(session: SftpSession, target: Buffer, seal: Seal): Promise<Published> {
  const look = await lookThrough(session, target);
  if (isAsSealed(look, seal) === false) {
    const { code, message, advice } = overtaken(target);
    throw new CopyError(code, message, { advice, retry: true });
  }
  return { ...IN_ONE_STEP, size: seenSize(look, seal) };
}

/**
 * A target that does not exist any more is accepted, because no other run removes it.
 * @param ours the seal of what an earlier call of this run may have published
 * @throws {CopyError} `target-busy`: when another run has published meanwhile
 */
async function checkNotOvertaken(
  session: SftpSession,
  target: Buffer,
  before: Attributes | 'nothing',
  ours: Seal | undefined,
): Promise<void> {
  const look = await lookAt(session, target);
  if (ours && isAsSealed(look, ours)) return;
  if (isOfOthers(look, before)) throw overtaken(target);
}

/** Whether a file exists there that is not the one that was there `before`. */
function isOfOthers(look: Look, before: Before): boolean {
  if (!look.isTold || look.at === undefined || before === undefined) return false;
  return before === 'nothing' || look.at.size !== before.size || look.at.mtimeMs !== before.mtimeMs;
}

/** @param aside where the file that somebody else has published is now, if it could not be moved back */
function overtaken(target: Buffer, aside?: Buffer): CopyError {
  const [shown, now] = [cleanText(target), aside && cleanText(aside)];
  const rest = now === undefined ? 'another run may be at work' : `the file of the other run is now ${now}`;
  const advice =
    now === undefined
      ? 'Look at what is there now; the same command replaces it, and sends only what is missing.'
      : `Compare ${now} with what is at ${shown} now, and keep the one that is wanted.`;
  return new CopyError('target-busy', `Somebody else changed ${shown} while it was being copied; ${rest}.`, { advice });
}

interface MoveOptions {
  readonly isRepeat: boolean;
  readonly replaces: Before;
  /** A check that must succeed before anything is renamed. */
  readonly checking: Promise<void> | undefined;
}

async function moveAsSealed(
  session: SftpSession,
  move: Move,
  seal: Seal,
  { isRepeat, replaces, checking }: MoveOptions,
): Promise<Done> {
  const { partial, target } = move;
  const isPublished = async (): Promise<boolean> =>
    isRepeat && isAsSealed(await lookAt(session, target), seal) === true;
  // Both are sent together, so that the check costs no round trip of its own.
  const [found] = await Promise.all([lookAt(session, partial), checking]);
  if (found.isTold && found.at === undefined) {
    if (await isPublished()) return IN_ONE_STEP;
    throw partialGone(partial);
  }
  if (isAsSealed(found, seal) === false) {
    const message = `Somebody else changed ${cleanText(partial)}; another run may be at work.`;
    throw new CopyError('target-busy', message, { retry: true });
  }
  try {
    return await rename(session, move, replaces);
  } catch (error) {
    // The rename of the earlier call may have been executed only now.
    if (CopyError.from(error).scope !== 'connection' && (await isPublished())) return IN_ONE_STEP;
    if (!(error instanceof PartialMissing)) throw error;
    // Nobody else knows the name of the partial file, so that the earlier call must have renamed it.
    if (isRepeat && !found.isTold) return IN_ONE_STEP;
    throw partialGone(partial);
  }
}

/** Whether the file is as it was sealed; undefined where the server refuses to tell. */
function isAsSealed(look: Look, seal: Seal): boolean | undefined {
  if (!look.isTold) return undefined;
  const { at } = look;
  return at?.kind === 'file' && at.size === seal.size && (seal.mtimeMs === undefined || at.mtimeMs === seal.mtimeMs);
}

/** The partial file does not exist. */
class PartialMissing extends Error {}

async function rename(session: SftpSession, move: Move, replaces: Before): Promise<Done> {
  const { partial, target } = move;
  let refusal: SftpStatusError | undefined;
  if (session.offers(ExtensionName.posixRename)) {
    const renaming = session.posixRename(partial, target);
    // Sent together, so that the check of the size costs no round trip of its own. It is repeated if it fails.
    const looking = lookThrough(session, target).catch(() => undefined);
    refusal = await refusalToMove(renaming, partial);
    if (refusal === undefined) return { ...IN_ONE_STEP, look: await looking };
  }
  // Some servers refuse only the extension, and some replace the target here, contrary to the draft.
  const plainRefusal = await refusalToMove(session.rename(partial, target), partial);
  if (plainRefusal === undefined) return IN_ONE_STEP;
  if (refusal !== undefined && refusal.status !== StatusCode.unsupported) {
    throw renameRefused(partial, target, refusal);
  }
  const old = await lookAt(session, target);
  const isInTheWay = !old.isTold || old.at !== undefined;
  if (isInTheWay && plainRefusal.status !== StatusCode.unsupported) {
    if (isOfOthers(old, replaces)) throw overtaken(target);
    return replaceInSteps(session, move, plainRefusal, replaces ?? (old.isTold ? old.at : undefined));
  }
  throw renameRefused(partial, target, plainRefusal);
}

/**
 * Moves the old target aside instead of removing it, so that it can be moved back. On a slow line, another run may
 * publish before the request arrives; therefore what was moved is compared with the old target before anything takes
 * its place.
 */
async function replaceInSteps(
  session: SftpSession,
  move: Move,
  refusal: SftpStatusError,
  before: Before,
): Promise<Done> {
  const { partial, target, aside } = move;
  // Where an earlier run could not remove its old target, neither can this one, which would leave one more copy.
  const unremovable = await removeAsideFiles(session, target);
  if (unremovable !== undefined) throw oldFileStays(target, unremovable);
  const notAside = await refusalOf(session.rename(target, aside), target);
  // An old target that was removed meanwhile is not in the way any more.
  if (notAside !== undefined && !notAside.isMissing) throw renameRefused(partial, target, refusal);
  const moved = notAside === undefined ? await lookAt(session, aside) : undefined;
  if (moved !== undefined && isOfOthers(moved, before)) {
    const isBack = (await refusalOf(session.rename(aside, target), aside)) === undefined;
    throw overtaken(target, isBack ? undefined : await keptForOthers(session, aside));
  }
  const failure = await refusalOf(session.rename(partial, target), partial);
  if (failure === undefined) return (await removeAfterwards(session, move, before, moved)) ?? { isAtomic: false };
  const refused = failure.isMissing ? partialGone(partial) : renameRefused(partial, target, failure);
  if (notAside !== undefined || (await refusalOf(session.rename(aside, target), aside)) === undefined) throw refused;
  const message = `${refused.message.replace(/\.$/, '')}; the old file is now ${cleanText(aside)}.`;
  throw new CopyError(refused.code, message, { ...refused.toData(), cause: failure });
}

/**
 * Removes the old target where it was moved aside. Undefined where there is none.
 * @param look what was moved aside, where this call moved it; nothing else can have come to that name since then
 * @throws {CopyError} `target-busy`: when it is not the old target, because it may be the only copy of what another run
 *   sent
 */
async function removeAfterwards(
  session: SftpSession,
  { aside, target }: Move,
  before: Before,
  look?: Look,
): Promise<Done | undefined> {
  const moved = look ?? (await lookAt(session, aside));
  if (moved.isTold && moved.at === undefined) return undefined;
  if (isOfOthers(moved, before)) throw overtaken(target, await keptForOthers(session, aside));
  const refusal = await removalRefusal(session, aside);
  if (refusal === undefined) return moved.isTold ? { isAtomic: false } : undefined;
  const shown = cleanText(aside);
  const warning = `the old file is still there as ${shown}, which the server refuses to remove (${reasonOf(refusal)}); ${cleanText(target)} cannot be replaced again before it is removed`;
  return { isAtomic: false, ...(moved.isTold && { warnings: [warning] }) };
}

/**
 * Later runs remove what was moved aside, so that the file of another run gets another name. Returns where it is now.
 */
async function keptForOthers(session: SftpSession, aside: Buffer): Promise<Buffer> {
  const kept = foreignPath(aside);
  return (await refusalOf(session.rename(aside, kept), aside)) === undefined ? kept : aside;
}

/**
 * The refusal of a rename of the partial file, if any; rejects with `PartialMissing` where that file does not exist.
 */
async function refusalToMove(answer: Promise<void>, partial: Buffer): Promise<SftpStatusError | undefined> {
  const refusal = await refusalOf(answer, partial);
  if (refusal?.isMissing) throw new PartialMissing('', { cause: refusal });
  return refusal;
}

async function refusalOf(answer: Promise<void>, path: Buffer): Promise<SftpStatusError | undefined> {
  try {
    await answer;
    return undefined;
  } catch (error) {
    if (isRefusal(error) || isMissing(error)) return error;
    throw toCodedError(error, { operation: 'rename', path });
  }
}

function partialGone(partial: Buffer): CopyError {
  return new CopyError('partial-refused', `${cleanText(partial)} disappeared before it could be renamed.`);
}

/**
 * The size of the file; that in the seal where the server refuses to tell it by path. Undefined where it never told it.
 */
async function sizeOf(session: SftpSession, path: Buffer, seal: Seal): Promise<number | undefined> {
  return seenSize(await withCodedErrors(lookThrough(session, path), { operation: 'stat', path }), seal);
}

function seenSize(look: Look, seal: Seal): number | undefined {
  if (look.isTold) return look.at?.size;
  return seal.isUnseen ? undefined : seal.size;
}
