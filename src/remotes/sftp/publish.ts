/** The commit on SFTP: the sealed partial takes the name of the target. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import { asidePath } from '../../util/partial-name.ts';
import type { Attributes, Published, PublishOptions, Seal } from '../remote.ts';
import { removalRefusal, removeAsideFiles } from './aside-files.ts';
import { ExtensionName, StatusCode } from './codec/constants.ts';
import type { SftpStatusError } from './codec/status-error.ts';
import { isMissing, isRefusal, type Look, lookAt, lookThrough } from './looks.ts';
import { oldFileStays, reasonOf, renameRefused } from './rename-refused.ts';
import type { SftpSession } from './session.ts';
import { asked, coded } from './sftp-files.ts';
import type { StagedToken } from './staged-token.ts';

/** Where a file is moved from, where to, and where what stands there may wait meanwhile. */
interface Move {
  readonly partial: Buffer;
  readonly target: Buffer;
  readonly aside: Buffer;
}

type Done = Pick<Published, 'isAtomic' | 'warnings'>;

/** What is known to have been at the target; undefined: nobody knows. */
type Before = Attributes | 'nothing' | undefined;

const IN_ONE_STEP: Done = { isAtomic: true };

/**
 * Renames, in one step where the server can. See `RemoteConnection.publish`.
 * What the server does not let anybody look at is tried.
 * @throws {CopyError} `rename-refused`, `partial-refused` when the partial is gone, `target-busy` when it is not as sealed, or
 *   the target is not what it was
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
  const done = await moveAsSealed(session, move, seal, { isRepeat, replaces, checking });
  // An earlier call may have moved the old target there before its connection was lost.
  const left = isRepeat ? await removeAfterwards(session, move, replaces) : undefined;
  return { ...(left ?? done), size: await sizeOf(session, target, seal) };
}

/** Nobody can be kept from writing into the target meanwhile, so this tells at least that somebody did. */
async function publishedInPlace(session: SftpSession, target: Buffer, seal: Seal): Promise<Published> {
  const look = await lookThrough(session, target);
  if (isAsSealed(look, seal) === false) {
    const { code, message, advice } = overtaken(target);
    throw new CopyError(code, message, { advice, retry: true });
  }
  return { ...IN_ONE_STEP, size: seenSize(look, seal) };
}

/**
 * `ours`: what an earlier call of ours may have published.
 * @throws {CopyError} `target-busy` where another run has published meanwhile; what is gone was not put there by one
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

/** Whether something is there that is not what was there `before`. */
function isOfOthers(look: Look, before: Before): boolean {
  if (!look.isTold || look.at === undefined || before === undefined) return false;
  return before === 'nothing' || look.at.size !== before.size || look.at.mtimeMs !== before.mtimeMs;
}

/** `aside`: where what somebody else has published was moved to, if it could not be put back. */
function overtaken(target: Buffer, aside?: Buffer): CopyError {
  const [shown, now] = [cleanText(target), aside && cleanText(aside)];
  const rest = now === undefined ? 'another run may be at work' : `what another run had put there is now ${now}`;
  const advice =
    now === undefined
      ? 'Look at what is there now; the same command replaces it, and sends only what is missing.'
      : `Compare ${now} with what is at ${shown} now, and keep the one that is wanted.`;
  return new CopyError('target-busy', `Somebody else changed ${shown} while it was being copied; ${rest}.`, { advice });
}

interface MoveOptions {
  readonly isRepeat: boolean;
  readonly replaces: Before;
  /** Settles before anything is moved. */
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
  // Asked together, so that it costs no round trip.
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
    // The rename of the earlier call may come through just now.
    if (CopyError.from(error).scope !== 'connection' && (await isPublished())) return IN_ONE_STEP;
    if (!(error instanceof PartialMissing)) throw error;
    // Nobody else knows its name: where nobody may look, the earlier call must have renamed it.
    if (isRepeat && !found.isTold) return IN_ONE_STEP;
    throw partialGone(partial);
  }
}

/** Undefined where the server does not tell. */
function isAsSealed(look: Look, seal: Seal): boolean | undefined {
  if (!look.isTold) return undefined;
  const { at } = look;
  return at?.kind === 'file' && at.size === seal.size && (seal.mtimeMs === undefined || at.mtimeMs === seal.mtimeMs);
}

/** The server has no such partial. */
class PartialMissing extends Error {}

async function rename(session: SftpSession, move: Move, replaces: Before): Promise<Done> {
  const { partial, target } = move;
  let refusal: SftpStatusError | undefined;
  if (session.offers(ExtensionName.posixRename)) {
    refusal = await refusalToMove(session.posixRename(partial, target), partial);
    if (refusal === undefined) return IN_ONE_STEP;
  }
  // Some servers replace the target here, against the draft; others refuse the extension alone.
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
 * The old target is moved out of the way, not removed, so that it can be put back. On a slow line the request may arrive
 * when another run has published: what was moved is looked at before anything takes its place.
 */
async function replaceInSteps(
  session: SftpSession,
  move: Move,
  refusal: SftpStatusError,
  before: Before,
): Promise<Done> {
  const { partial, target, aside } = move;
  // What an earlier run could not remove shows that this one cannot either: it would leave one more copy.
  const unremovable = await removeAsideFiles(session, target);
  if (unremovable !== undefined) throw oldFileStays(target, unremovable);
  const notAside = await refusalOf(session.rename(target, aside), target);
  // One that vanished meanwhile is not in the way any more.
  if (notAside !== undefined && !notAside.isMissing) throw renameRefused(partial, target, refusal);
  if (notAside === undefined && isOfOthers(await lookAt(session, aside), before)) {
    const isBack = (await refusalOf(session.rename(aside, target), aside)) === undefined;
    throw overtaken(target, isBack ? undefined : aside);
  }
  const failure = await refusalOf(session.rename(partial, target), partial);
  if (failure === undefined) return (await removeAfterwards(session, move, before)) ?? { isAtomic: false };
  const refused = failure.isMissing ? partialGone(partial) : renameRefused(partial, target, failure);
  if (notAside !== undefined || (await refusalOf(session.rename(aside, target), aside)) === undefined) throw refused;
  const message = `${refused.message.replace(/\.$/, '')}; the old file is now ${cleanText(aside)}.`;
  throw new CopyError(refused.code, message, { ...refused.toData(), cause: failure });
}

/**
 * Removes the old target where it was moved aside; undefined where nothing was.
 * @throws {CopyError} `target-busy` where it is not what was there before: it may be the only copy of what another run sent
 */
async function removeAfterwards(
  session: SftpSession,
  { aside, target }: Move,
  before: Before,
): Promise<Done | undefined> {
  const moved = await lookAt(session, aside);
  if (moved.isTold && moved.at === undefined) return undefined;
  if (isOfOthers(moved, before)) throw overtaken(target, aside);
  const refusal = await removalRefusal(session, aside);
  if (refusal === undefined) return moved.isTold ? { isAtomic: false } : undefined;
  const shown = cleanText(aside);
  const warning = `the old file is still there as ${shown}, which the server refuses to remove (${reasonOf(refusal)}); ${cleanText(target)} cannot be replaced again before it is removed`;
  return { isAtomic: false, ...(moved.isTold && { warnings: [warning] }) };
}

/** Why the server refuses; rejects with `PartialMissing` where it does not have the partial. */
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
    throw coded(error, { operation: 'rename', path });
  }
}

function partialGone(partial: Buffer): CopyError {
  return new CopyError('partial-refused', `${cleanText(partial)} is gone before it could be renamed.`);
}

/** Where nobody may look at a path, what was seen through the handle that sealed it; undefined where nobody may at all. */
async function sizeOf(session: SftpSession, path: Buffer, seal: Seal): Promise<number | undefined> {
  return seenSize(await asked(lookThrough(session, path), { operation: 'stat', path }), seal);
}

function seenSize(look: Look, seal: Seal): number | undefined {
  if (look.isTold) return look.at?.size;
  return seal.isUnseen ? undefined : seal.size;
}
