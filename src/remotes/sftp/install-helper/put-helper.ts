/** Writes the helper to a partial file, and renames that to its final name. */
import { CopyError } from '../../../errors.ts';
import { PROGRAM } from '../../../helper/framing.ts';
import { slicesOf } from '../../../util/slices-of.ts';
import type { Staged } from '../../remote.ts';
import type { SftpConnection } from '../sftp-connection.ts';
import { withCodedErrors } from '../sftp-files.ts';
import { fromStageToken } from '../staged-token.ts';
import { checkUnchanged, type FoundHelper, type HelperPlace, makeDirectories } from './helper-place.ts';
import { fillFrom } from './whole-buffer.ts';

const PROGRAM_MODE = 0o755;

/**
 * Resolves with warnings for people when the program is in its place.
 * @param found what the program replaces. Where it is undefined, nothing is replaced, not even what came there
 *   meanwhile
 * @throws {CopyError} of the destination: when the server refuses; scope `connection`: when the connection is lost. The
 *   partial file is removed if possible
 */
export async function putHelper(
  connection: SftpConnection,
  place: HelperPlace,
  found: FoundHelper | undefined,
  program: Uint8Array,
): Promise<readonly string[]> {
  let staged: Staged | undefined;
  try {
    await makeDirectories(connection, place);
    staged = await connection.stage(place.path, 'new');
    await staged.write(slicesOf({ offset: 0, length: program.length }), fillFrom(program), () => {});
    const seal = await staged.seal({ size: program.length, mode: PROGRAM_MODE });
    await checkUnchanged(connection, place, found);
    if (found === undefined) await moveToNothing(connection, staged, place);
    else await connection.publish(staged.token, seal);
    return seal.warnings;
  } catch (error) {
    // The first failure is reported. Where the connection is lost, the partial file stays; a later run removes it.
    await staged?.close().catch(() => {});
    if (staged !== undefined) await connection.discard(staged.token).catch(() => {});
    throw explained(error);
  }
}

/**
 * Uses the plain rename, which fails where the target exists, so that nothing is replaced that came there meanwhile.
 */
async function moveToNothing(connection: SftpConnection, { token }: Staged, { path }: HelperPlace): Promise<void> {
  const { session } = connection.beneath;
  const { partial } = fromStageToken(token);
  if (partial === undefined) throw new CopyError('bug', `${PROGRAM} was staged in place.`);
  try {
    await withCodedErrors(session.rename(partial, path), { operation: 'rename', path: partial });
  } catch (error) {
    if (CopyError.from(error).scope === 'file') await checkUnchanged(connection, { path, directories: [] }, undefined);
    throw error;
  }
}

/** Replaces the advice, because that for copies, such as `--inplace`, does not apply here. */
function explained(error: unknown): CopyError {
  const failure = CopyError.from(error);
  if (failure.exitCode !== 4) return failure;
  const advice =
    failure.code === 'no-space'
      ? 'Make room on the server, then run the same command again.'
      : 'Check the permissions of ~/.local/bin on the server.';
  return new CopyError(failure.code, failure.message, { cause: error, advice });
}
