/** Writes the helper beside its place and moves it there. */
import { CopyError } from '../../../errors.ts';
import { PROGRAM } from '../../../helper/framing.ts';
import { slicesOf } from '../../../util/slices-of.ts';
import type { Staged } from '../../remote.ts';
import type { SftpConnection } from '../sftp-connection.ts';
import { asked } from '../sftp-files.ts';
import { fromStageToken } from '../staged-token.ts';
import { checkUnchanged, type FoundHelper, type HelperPlace, makeDirectories } from './helper-place.ts';
import { fillFrom } from './whole-buffer.ts';

const PROGRAM_MODE = 0o755;

/**
 * Resolves when it stands there, with what else is to be told. `found`: what is replaced; where it is undefined nothing
 * is.
 * @throws {CopyError} of the destination, or scope `connection`; what was staged is then removed if that can be
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
    // The first failure is the one that counts; with a connection that is gone the partial stays for the next run.
    await staged?.close().catch(() => {});
    if (staged !== undefined) await connection.discard(staged.token).catch(() => {});
    throw explained(error);
  }
}

/** By the rename that replaces nothing, so that what came there in this moment stays. */
async function moveToNothing(connection: SftpConnection, { token }: Staged, { path }: HelperPlace): Promise<void> {
  const { session } = connection.beneath;
  const { partial } = fromStageToken(token);
  if (partial === undefined) throw new CopyError('bug', `${PROGRAM} was staged in place.`);
  try {
    await asked(session.rename(partial, path), { operation: 'rename', path: partial });
  } catch (error) {
    if (CopyError.from(error).scope === 'file') await checkUnchanged(connection, { path, directories: [] }, undefined);
    throw error;
  }
}

/** What helps a copy, such as `--inplace`, does not help here. */
function explained(error: unknown): CopyError {
  const failure = CopyError.from(error);
  if (failure.exitCode !== 4) return failure;
  const advice =
    failure.code === 'no-space'
      ? 'Make room on the server, then run the same command again.'
      : 'Check the permissions of ~/.local/bin on the server.';
  return new CopyError(failure.code, failure.message, { cause: error, advice });
}
