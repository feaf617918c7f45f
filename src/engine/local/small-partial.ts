/**
 * Writes a small file as a whole: to a partial file beside its target, which then takes the name of the target. The
 * same holds as for `LocalPartial`, which takes ten times as long.
 */
import { constants } from 'node:fs';
import { CopyError } from '../../errors.ts';
import type { Attributes } from '../../remotes/remote.ts';
import { directoryName } from '../../util/byte-path.ts';
import { cleanText } from '../../util/clean-text.ts';
import { newPartialPath } from '../../util/partial-name.ts';
import { PERMISSION_BITS } from '../../util/permission-bits.ts';
import { systemErrorText } from '../../util/system-error.ts';
import { targetError } from '../runner/target-error.ts';
import { callsIn, type FileCalls } from './file-calls.ts';
import { isAsBefore } from './local-partial.ts';
import { attributesOf } from './local-target-files.ts';

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
const PRIVATE = 0o600;

export interface SmallTarget {
  readonly path: Buffer;
  /** What was there when the copy was planned; undefined: nothing. */
  readonly old: Attributes | undefined;
}

export interface SmallFinalState {
  /** Permission bits; undefined: they stay as the system chooses. */
  readonly mode: number | undefined;
  readonly mtimeMs: number | undefined;
  /** Whether it is made durable. */
  readonly syncs: boolean;
}

export interface WrittenSmall {
  /** What could not be done though the bytes are right. For people. */
  readonly warnings: readonly string[];
  /** How long the disk took to sync it, in milliseconds; undefined: it was not synced. */
  readonly syncMs: number | undefined;
}

/**
 * `target` must not be a link. Its directory is not synced.
 * @throws {CopyError} of the destination: it cannot be written; `target-busy`: somebody has changed the target
 */
export async function writeSmallFile(
  { path, old }: SmallTarget,
  bytes: Uint8Array,
  final: SmallFinalState,
): Promise<WrittenSmall> {
  const partial = newPartialPath(path);
  try {
    const calls = await callsIn(directoryName(path));
    const result = await writePartial(calls, partial, bytes, final);
    try {
      await expectUntouched(calls, path, old);
      await calls.rename(partial, path);
    } catch (error) {
      await discard(calls, partial);
      throw error;
    }
    return result;
  } catch (error) {
    throw targetError(error, cleanText(path));
  }
}

async function writePartial(
  calls: FileCalls,
  partial: Buffer,
  bytes: Uint8Array,
  final: SmallFinalState,
): Promise<WrittenSmall> {
  const fd = await calls.open(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, PRIVATE);
  try {
    let result: WrittenSmall;
    try {
      for (let offset = 0; offset < bytes.length; ) offset += await calls.write(fd, bytes, offset);
      const warnings = await setAttributes(calls, fd, final);
      result = { warnings, syncMs: final.syncs ? await calls.fsync(fd) : undefined };
    } finally {
      await calls.close(fd);
    }
    return result;
  } catch (error) {
    await discard(calls, partial);
    throw error;
  }
}

async function setAttributes(calls: FileCalls, fd: number, { mode, mtimeMs }: SmallFinalState): Promise<string[]> {
  const warnings: string[] = [];
  const attempt = async (what: string, work: Promise<void>): Promise<void> => {
    await work.catch((error: unknown) => warnings.push(`${what} could not be set (${systemErrorText(error)})`));
  };
  if (mode !== undefined) await attempt('the mode', calls.fchmod(fd, mode & PERMISSION_BITS));
  if (mtimeMs !== undefined) await attempt('the times', calls.futimes(fd, new Date(), new Date(Math.floor(mtimeMs))));
  return warnings;
}

/** See `LocalPartial.publish`: without the lock of another machine, this is as near to the rename as it can be. */
async function expectUntouched(calls: FileCalls, path: Buffer, old: Attributes | undefined): Promise<void> {
  const now = await calls.lstat(path).catch(() => undefined);
  if (now === undefined || now.isDirectory()) return;
  if (isAsBefore(attributesOf(now), old)) return;
  throw new CopyError('target-busy', `Somebody else changed ${cleanText(path)} while it was being copied.`, {
    advice: 'Look at what is there now; the same command replaces it.',
  });
}

/** The failure that led here is the one to report. */
async function discard(calls: FileCalls, partial: Buffer): Promise<void> {
  await calls.unlink(partial).catch(() => {});
}
