/** The commit on SFTP: the sealed partial takes the name of the target. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { Attributes, Published, PublishOptions, Seal } from '../remote.ts';
import { removalRefusal, removeAsideFiles } from './aside-files.ts';
import { ExtensionName, StatusCode } from './codec/constants.ts';
import type { SftpStatusError } from './codec/status-error.ts';
import { isMissing, isRefusal, type Look, lookAt, lookThrough } from './looks.ts';
import { asidePath } from './partial-name.ts';
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

type Done = Pick<Published, 'atomic' | 'warnings'>;

const IN_ONE_STEP: Done = { atomic: true };

/**
 * Renames, in one step where the server can. See `RemoteConnection.publish`.
 * What the server does not let anybody look at is tried.
 * @throws CopyError `rename-refused`, `partial-refused` when the partial is gone, `target-busy` when it is not as sealed, or
 *   the target is not what it was
 */
export async function publish(
  session: SftpSession,
  { target, partial, stage }: StagedToken,
  seal: Seal,
  { again = false, replaces }: PublishOptions,
): Promise<Published> {
  if (partial === undefined) return publishedInPlace(session, target, seal);
  const move: Move = { partial, target, aside: asidePath(target, stage) };
  const checking = replaces && checkNotOvertaken(session, target, replaces, again ? seal : undefined);
  const done = await moveAsSealed(session, move, seal, again, checking);
  // An earlier call may have moved the old target there before its connection was lost.
  const left = again ? await removeAfterwards(session, move) : undefined;
  return { ...(left ?? done), size: await sizeOf(session, target, seal) };
}

/** Nobody can be kept from writing into the target meanwhile, so this tells at least that somebody did. */
async function publishedInPlace(session: SftpSession, target: Buffer, seal: Seal): Promise<Published> {
  const look = await lookThrough(session, target);
  if (isAsSealed(look, seal) === false) throw overtaken(target);
  return { ...IN_ONE_STEP, size: seenSize(look, seal) };
}

/**
 * `ours`: what an earlier call of ours may have published.
 * @throws CopyError `target-busy` where another run has published meanwhile; what is gone was not put there by one
 */
async function checkNotOvertaken(
  session: SftpSession,
  target: Buffer,
  before: Attributes | 'nothing',
  ours: Seal | undefined,
): Promise<void> {
  const look = await lookAt(session, target);
  if (!look.isTold || look.at === undefined || (ours && isAsSealed(look, ours))) return;
  const { size, mtimeMs } = look.at;
  if (before === 'nothing' || size !== before.size || mtimeMs !== before.mtimeMs) throw overtaken(target);
}

function overtaken(target: Buffer): CopyError {
  const message = `Somebody else changed ${cleanText(target)} while it was being copied; another run may be at work.`;
  const advice = 'Look at what is there now; the same command replaces it, and sends only what is missing.';
  return new CopyError('target-busy', message, { advice });
}

/** `checking`: settles before anything is moved. */
async function moveAsSealed(
  session: SftpSession,
  move: Move,
  seal: Seal,
  again: boolean,
  checking: Promise<void> | undefined,
): Promise<Done> {
  const { partial, target } = move;
  const isPublished = async (): Promise<boolean> => again && isAsSealed(await lookAt(session, target), seal) === true;
  // Asked together, so that it costs no round trip.
  const [found] = await Promise.all([lookAt(session, partial), checking]);
  if (found.isTold && found.at === undefined) {
    if (await isPublished()) return IN_ONE_STEP;
    throw partialGone(partial);
  }
  if (isAsSealed(found, seal) === false) {
    throw new CopyError('target-busy', `Somebody else changed ${cleanText(partial)}; another run may be at work.`);
  }
  try {
    return await rename(session, move);
  } catch (error) {
    // The rename of the earlier call may come through just now.
    if (CopyError.from(error).scope !== 'connection' && (await isPublished())) return IN_ONE_STEP;
    if (!(error instanceof PartialMissing)) throw error;
    // Nobody else knows its name: where nobody may look, the earlier call must have renamed it.
    if (again && !found.isTold) return IN_ONE_STEP;
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

async function rename(session: SftpSession, move: Move): Promise<Done> {
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
  if (isInTheWay && plainRefusal.status !== StatusCode.unsupported) return replaceInSteps(session, move, plainRefusal);
  throw renameRefused(partial, target, plainRefusal);
}

/** The old target is moved out of the way, not removed, so that it can be put back. */
async function replaceInSteps(session: SftpSession, move: Move, refusal: SftpStatusError): Promise<Done> {
  const { partial, target, aside } = move;
  // What an earlier run could not remove shows that this one cannot either: it would leave one more copy.
  const unremovable = await removeAsideFiles(session, target);
  if (unremovable !== undefined) throw oldFileStays(target, unremovable);
  const notAside = await refusalOf(session.rename(target, aside), target);
  // One that vanished meanwhile is not in the way any more.
  if (notAside !== undefined && !notAside.isMissing) throw renameRefused(partial, target, refusal);
  const failure = await refusalOf(session.rename(partial, target), partial);
  if (failure === undefined) return (await removeAfterwards(session, move)) ?? { atomic: false };
  const refused = failure.isMissing ? partialGone(partial) : renameRefused(partial, target, failure);
  if (notAside !== undefined || (await refusalOf(session.rename(aside, target), aside)) === undefined) throw refused;
  const message = `${refused.message.replace(/\.$/, '')}; the old file is now ${cleanText(aside)}.`;
  throw new CopyError(refused.code, message, { ...refused.toData(), cause: failure });
}

/** Removes the old target where it was moved aside; undefined where nothing was. */
async function removeAfterwards(session: SftpSession, { aside, target }: Move): Promise<Done | undefined> {
  const before = await lookAt(session, aside);
  if (before.isTold && before.at === undefined) return undefined;
  const refusal = await removalRefusal(session, aside);
  if (refusal === undefined) return before.isTold ? { atomic: false } : undefined;
  const shown = cleanText(aside);
  const warning = `the old file is still there as ${shown}, which the server refuses to remove (${reasonOf(refusal)}); ${cleanText(target)} cannot be replaced again before it is removed`;
  return { atomic: false, ...(before.isTold && { warnings: [warning] }) };
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
