/** Sets mode and times of what is on the server already. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { NewAttributes } from '../remote.ts';
import type { SftpAttributes } from './codec/attributes.ts';
import type { SftpSession } from './session.ts';
import { asked } from './sftp-files.ts';

/** Times in version 3 are unsigned 32-bit seconds. */
const MAX_SECONDS = 0xffff_ffff;
/** Setuid, setgid and sticky are never set. */
const PERMISSION_BITS = 0o777;

/** The times that give a file this one of its last change; undefined where version 3 cannot express it. */
export function timesOf(mtimeMs: number): SftpAttributes['times'] {
  const mtimeSeconds = Math.floor(mtimeMs / 1000);
  if (mtimeSeconds < 0 || mtimeSeconds > MAX_SECONDS) return undefined;
  return { atimeSeconds: Math.floor(Date.now() / 1000), mtimeSeconds };
}

/** One attribute at a time, the times last: servers differ in the order in which they apply several. */
export async function setAttributes(
  session: SftpSession,
  path: Uint8Array,
  { mode, mtimeMs }: NewAttributes,
): Promise<void> {
  const context = { operation: 'set attributes of', path } as const;
  const times = mtimeMs === undefined ? undefined : timesOf(mtimeMs);
  if (mtimeMs !== undefined && times === undefined) {
    throw new CopyError('unsupported', `The time of ${cleanText(path)} cannot be told to the server.`);
  }
  if (mode !== undefined) await asked(session.setStat(path, { permissions: mode & PERMISSION_BITS }), context);
  if (times !== undefined) await asked(session.setStat(path, { times }), context);
}
