/** What the failure of a system call on the local target of a download, or around it, means. */
import { CopyError } from '../../errors.ts';
import { systemErrorCode, systemErrorText } from '../../util/system-error.ts';

/** `name`: of the target, for messages. */
export function targetError(error: unknown, name: string): CopyError {
  if (error instanceof CopyError) return error;
  const code = systemErrorCode(error);
  const message = `${name} cannot be written: ${systemErrorText(error)}.`;
  switch (code) {
    case 'ENOSPC':
      return new CopyError('no-space', message, { cause: error, advice: 'Make room on the local disk.' });
    case 'EDQUOT':
      return new CopyError('no-space', message, { cause: error, advice: 'Make room within the quota of this user.' });
    case 'EFBIG':
      return new CopyError('no-space', message, { cause: error, advice: 'Raise the limit, or copy to another disk.' });
    case 'EROFS':
      return new CopyError('destination-permission', message, {
        cause: error,
        advice: 'Name a destination on another file system.',
      });
    case 'EACCES':
    case 'EPERM':
      return new CopyError('destination-permission', message, { cause: error });
    case 'EISDIR':
      return new CopyError('destination-is-directory', message, { cause: error });
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EEXIST':
    case 'ELOOP':
    case 'ENAMETOOLONG':
    case 'EINVAL':
      return new CopyError('destination-refused', message, {
        cause: error,
        advice: 'Check the path of the destination.',
      });
    default:
      return new CopyError('local-io', message, { cause: error });
  }
}
