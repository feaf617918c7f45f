/**
 * The last steps of every upload: the attributes of the target, its publication, the check of its size, and the
 * warnings.
 */
import { CopyError } from '../../errors.ts';
import type { Attributes, FinalAttributes, Published, Seal, StageToken } from '../../remotes/remote.ts';
import type { ConnectionAccess, OnConnectionOptions } from '../connections/connection-access.ts';
import type { Report } from '../transfer/direction.ts';
import type { Verify } from '../transfer/verify.ts';
import type { Verified } from '../verify/file-verifier.ts';

type Notices = Pick<Report, 'notice'>;

export interface FinishedFile {
  /** For messages. */
  readonly name: string;
  readonly shownTarget: string;
  /** Bytes of the source. */
  readonly size: number;
}

/** The mode and time of the source; without `preserve`, the mode of the file that is replaced (`old`). */
export function finalAttributes(
  options: { readonly inplace: boolean; readonly preserve: boolean },
  source: { readonly mode: number; readonly mtimeMs: number },
  old: Attributes | undefined,
): Omit<FinalAttributes, 'size'> {
  if (options.preserve) return { mode: source.mode, mtimeMs: source.mtimeMs };
  // A file that is written in place keeps its mode.
  return options.inplace || old?.mode === undefined ? {} : { mode: old.mode };
}

/**
 * Puts the sealed file in the place of the target. If that is repeated on another connection, the first attempt may
 * have succeeded; the remote is told so.
 * @throws {CopyError} as `RemoteConnection.publish`
 */
export function publishStaged(
  access: Pick<ConnectionAccess, 'withConnection'>,
  token: StageToken,
  seal: Seal,
  old: Attributes | undefined,
  on: OnConnectionOptions = {},
): Promise<Published> {
  let isRepeat = false;
  return access.withConnection((_, remote) => {
    const publishing = remote.publish(token, seal, { isRepeat, replaces: old ?? 'nothing' });
    isRepeat = true;
    return publishing;
  }, on);
}

/** Reports what could not be done although the new file is right. */
export function tellWarnings(
  report: Notices,
  { name }: FinishedFile,
  { warnings }: Seal,
  { warnings: left, isAtomic }: Published,
): void {
  for (const warning of warnings) report.notice('attributes', `${name}: ${warning}.`, 'warning');
  for (const warning of left ?? []) report.notice('left-behind', `${name}: ${warning}.`, 'warning');
  if (!isAtomic)
    report.notice('not-atomic', `${name}: the old file was moved away before the new one came.`, 'warning');
}

/**
 * Whether it was verified that the target has the size of the source. On accounts that may only write, which are
 * common, the server does not tell the size; the user is then told so, unless the contents were verified.
 * @throws {CopyError} `target-busy`: what was verified is not at the target any more; `integrity`: the target has another
 *   size, or verification by size is demanded and not possible
 */
export function isSizeVerified(
  report: Notices,
  verify: Verify,
  file: FinishedFile,
  { size }: Published,
  verified: Verified,
): boolean {
  const { name, shownTarget, size: wanted } = file;
  const isContentVerified = verified.byDigest + verified.byReadBack >= wanted;
  if (verify === 'none') return false;
  if (size === wanted) return true;
  if (size !== undefined) {
    if (isContentVerified) throw overtaken(shownTarget, size, wanted);
    throw new CopyError('integrity', `${shownTarget} has ${size} bytes instead of ${wanted}.`);
  }
  if (verify === 'size') throw new CopyError('integrity', `${shownTarget} cannot be looked at.`);
  if (!isContentVerified) {
    const message = `${name}: the server does not let ${shownTarget} be looked at, so that what has arrived could not be verified.`;
    report.notice('not-verified', message, 'warning');
  }
  return false;
}

function overtaken(target: string, size: number, wanted: number): CopyError {
  return new CopyError(
    'target-busy',
    `${target} has ${size} bytes instead of ${wanted}, although all pieces were right before it got its name: another run has replaced it.`,
  );
}
