/**
 * Creates the partial file of a target: exclusively, under a name that was never used, and unreadable for others where
 * the server allows a mode to be set. A server may accept a mode when it creates a file and refuse every later one;
 * there the file is created without a mode, because it could never get another one than the first.
 */
import type { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import { removalRefusal, removeAsideFiles } from './aside-files.ts';
import { ExtensionName, OpenFlag, StatusCode } from './codec/constants.ts';
import type { DefaultModes } from './default-modes.ts';
import { isMissing, isRefusal, lookAt, lookAtOpen } from './looks.ts';
import { oldFileStays, trialRefused } from './rename-refused.ts';
import { type RenameTrial, tryRename } from './rename-trial.ts';
import type { SftpSession } from './session.ts';

/** The mode of a partial file. Others must not read it before it is complete. */
export const STAGED_MODE = 0o600;

const FLAGS = OpenFlag.write | OpenFlag.create | OpenFlag.exclusive;

/** The answers of servers that refuse an OPEN only because of its mode. */
const MODE_REFUSED: ReadonlySet<number> = new Set([StatusCode.permissionDenied, StatusCode.unsupported]);

export interface NewPartial {
  readonly path: Buffer;
  readonly handle: Uint8Array;
  /** Whether the server refused to set a mode, so that the file has the mode that the server chose. */
  readonly hasServerMode: boolean;
  /** What could not be done. For people. */
  readonly warnings: readonly string[];
}

export interface NewPartialOptions {
  readonly target: Buffer;
  /** Returns a path beside the target that was never used. */
  readonly newPath: () => Buffer;
  /** What is known of the modes on the server. */
  readonly modes: DefaultModes;
  /** Whether to find out first whether the file can be renamed, because it takes long to send it. */
  readonly triesRename: boolean;
}

/**
 * @throws {CopyError} `rename-refused`: when the server would refuse to rename the complete file
 * @throws {SftpStatusError} when the file cannot be created
 */
export async function createPartial(session: SftpSession, options: NewPartialOptions): Promise<NewPartial> {
  const path = options.newPath();
  if (options.triesRename) await expectReplaceable(session, options.target);
  if (options.modes.areSettable === false) return createWithoutMode(session, options);
  try {
    const created = await create(session, path, options, { permissions: STAGED_MODE });
    // What was just found out counts also for this file.
    return (options.modes.areSettable as boolean | undefined) === false
      ? await replaceByOneWithoutMode(session, created, options)
      : created;
  } catch (error) {
    if (!isRefusal(error) || !MODE_REFUSED.has(error.status)) throw error;
    const created = await createWithoutMode(session, options).catch((second: unknown) => {
      if (isRefusal(second)) throw error;
      throw second;
    });
    // proftpd creates the file before it refuses its mode.
    const isLeft = (await removalRefusal(session, path)) !== undefined;
    return isLeft ? { ...created, warnings: [...created.warnings, left(path)] } : created;
  }
}

/**
 * Fails where this run would leave one more copy of the target: without posix-rename, an old target has to be moved
 * aside, and an earlier run could not remove what it moved aside.
 */
async function expectReplaceable(session: SftpSession, target: Buffer): Promise<void> {
  if (session.offers(ExtensionName.posixRename)) return;
  const old = await lookAt(session, target);
  if (!old.isTold || old.at === undefined) return;
  const unremovable = await removeAsideFiles(session, target);
  if (unremovable !== undefined) throw oldFileStays(target, unremovable);
}

async function create(
  session: SftpSession,
  path: Buffer,
  options: NewPartialOptions,
  attributes: { readonly permissions?: number },
): Promise<NewPartial> {
  const { modes } = options;
  const triesMode = attributes.permissions !== undefined && modes.areSettable === undefined;
  const [opened, set, tried] = await Promise.allSettled([
    session.open(path, FLAGS, attributes),
    triesMode ? session.setStat(path, attributes) : undefined,
    options.triesRename ? tryRename(session, path, options.newPath) : undefined,
  ]);
  if (opened.status === 'rejected') throw opened.reason;
  if (tried.status === 'rejected') throw tried.reason;
  if (triesMode) modes.areSettable = await isModeSet(session, opened.value, set);
  const trial = tried.value;
  if (trial?.refusal !== undefined) throw await refused(session, opened.value, trial);
  const warnings = (trial?.left ?? []).map(left);
  return { path: trial?.path ?? path, handle: opened.value, hasServerMode: false, warnings };
}

async function createWithoutMode(session: SftpSession, options: NewPartialOptions): Promise<NewPartial> {
  const created = await create(session, options.newPath(), options, {});
  const { path, handle, warnings } = created;
  const look = await lookAtOpen(session, handle, path);
  const mode = look.isTold ? look.at?.mode : undefined;
  return { ...created, hasServerMode: true, warnings: [...warnings, ...exposureWarnings(path, mode)] };
}

/** `created` has a mode that nobody can change. */
async function replaceByOneWithoutMode(
  session: SftpSession,
  created: NewPartial,
  options: NewPartialOptions,
): Promise<NewPartial> {
  await session.closeHandle(created.handle).catch((error: unknown) => {
    // A failure to close does not matter, because the file is removed.
    if (!isRefusal(error)) throw error;
  });
  const isLeft = (await removalRefusal(session, created.path)) !== undefined;
  const warnings = [...created.warnings, ...(isLeft ? [left(created.path)] : [])];
  const other = await createWithoutMode(session, options);
  return { ...other, warnings: [...warnings, ...other.warnings] };
}

/**
 * Whether the server sets the mode of an open file by its path or by its handle. Undefined where that cannot be told:
 * the server may not show the file at its path yet.
 */
async function isModeSet(
  session: SftpSession,
  handle: Uint8Array,
  byPath: PromiseSettledResult<void>,
): Promise<boolean | undefined> {
  if (byPath.status === 'fulfilled') return true;
  if (isMissing(byPath.reason)) return undefined;
  if (!isRefusal(byPath.reason)) throw byPath.reason;
  try {
    await session.fsetStat(handle, { permissions: STAGED_MODE });
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** What the user is told about a partial file that has this mode because no other could be set. */
export function exposureWarnings(path: Buffer, mode: number | undefined): string[] {
  if (mode !== undefined && (mode & 0o077) === 0) return [];
  const shown = mode === undefined ? '' : ` (its mode is ${(mode & 0o7777).toString(8).padStart(4, '0')})`;
  const what = mode !== undefined && (mode & 0o022) !== 0 ? 'read and write' : 'read';
  return [`the server allows no mode to be set: until it is complete, others may ${what} ${cleanText(path)}${shown}`];
}

/** Removes what was created. The error names what cannot be removed. */
async function refused(
  session: SftpSession,
  handle: Uint8Array,
  { path, refusal, left: others }: RenameTrial,
): Promise<CopyError> {
  await session.closeHandle(handle).catch((error: unknown) => {
    // A failure to close does not matter, because the file is removed.
    if (!isRefusal(error)) throw error;
  });
  const isLeft = (await removalRefusal(session, path)) !== undefined;
  return trialRefused(path, refusal!, [...(isLeft ? [path] : []), ...others]);
}

function left(path: Buffer): string {
  return `${cleanText(path)} is empty, and the server refuses to remove it`;
}
