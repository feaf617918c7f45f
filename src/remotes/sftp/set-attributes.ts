/** Sets mode and times of files and directories that exist on the server. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import { PERMISSION_BITS } from '../../util/permission-bits.ts';
import type { NewAttributes } from '../remote.ts';
import type { SftpAttributes } from './codec/attributes.ts';
import type { SftpSession } from './session.ts';
import { withCodedErrors } from './sftp-files.ts';

/** The latest time of version 3, whose times are unsigned 32-bit seconds. */
const MAX_SECONDS = 0xffff_ffff;

/**
 * The attributes that set this time of the last change. Version 3 sets both times or neither, so that the time of the
 * last access becomes that of now. Undefined where version 3 cannot express the time.
 */
export function timesOf(mtimeMs: number): SftpAttributes['times'] {
  const mtimeSeconds = Math.floor(mtimeMs / 1000);
  if (mtimeSeconds < 0 || mtimeSeconds > MAX_SECONDS) return undefined;
  return { atimeSeconds: Math.floor(Date.now() / 1000), mtimeSeconds };
}

/**
 * See `RemoteConnection.setAttributes`. Sends one attribute at a time, because servers differ in the order in which
 * they apply several, and the times last, because a change of the mode may change them.
 */
export async function setAttributes(
  session: SftpSession,
  path: Uint8Array,
  { mode, mtimeMs }: NewAttributes,
): Promise<void> {
  const context = { operation: 'set attributes of', path } as const;
  const times = mtimeMs === undefined ? undefined : timesOf(mtimeMs);
  if (mtimeMs !== undefined && times === undefined) {
    throw new CopyError('unsupported', `The protocol cannot express the time of ${cleanText(path)}.`);
  }
  if (mode !== undefined)
    await withCodedErrors(session.setStat(path, { permissions: mode & PERMISSION_BITS }), context);
  if (times !== undefined) await withCodedErrors(session.setStat(path, { times }), context);
}
