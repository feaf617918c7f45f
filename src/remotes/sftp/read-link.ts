/** Reads the texts of symbolic links. */
import { posix } from 'node:path';
import { isAbsolute } from '../../util/byte-path.ts';
import type { SftpSession } from './session.ts';
import { withCodedErrors } from './sftp-files.ts';

/**
 * See `RemoteConnection.readLink`.
 * @param isJoined whether the server is mod_sftp, which answers with the text of a relative link joined to the directory
 *   of the link, without `..` (1.3.8), unless the path has no directory
 */
export async function readLink(session: SftpSession, path: Uint8Array, isJoined: boolean): Promise<Uint8Array> {
  const context = { operation: 'read link', path, side: 'source' } as const;
  const directory = posix.dirname(textOf(path));
  if (!isJoined || directory === '.') return withCodedErrors(session.readLink(path), context);
  const [answer, found] = await Promise.all([
    withCodedErrors(session.readLink(path), context),
    // Its size is the length of the text. That it is not told is no failure.
    session.lstat(path).catch(() => undefined),
  ]);
  // An absolute link is told as it is, but where the path is absolute, so is every answer.
  if (isAbsolute(answer) && (!isAbsolute(path) || answer.length === found?.size)) return answer;
  return Buffer.from(posix.relative(directory, textOf(answer)), 'latin1');
}

/** Latin-1 turns bytes into text without a loss. */
function textOf(path: Uint8Array): string {
  return Buffer.from(path).toString('latin1');
}
