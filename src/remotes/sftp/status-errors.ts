import { CopyError, type CopyErrorOptions, type ErrorCode } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import { StatusCode } from './codec/constants.ts';
import type { SftpStatusError } from './codec/status-error.ts';

/** The operation that the server refused. */
export interface StatusContext {
  readonly operation:
    | 'open'
    | 'read'
    | 'write'
    | 'sync'
    | 'close'
    | 'rename'
    | 'remove'
    | 'stat'
    | 'list'
    | 'resolve'
    | 'make directory'
    | 'read link'
    | 'make link'
    | 'set attributes of';
  readonly path: Uint8Array;
  /** Which side of the copy the path is on. Default: `destination`. */
  readonly side?: 'source' | 'destination';
}

/**
 * The coded error for a STATUS. OpenSSH reports ENOSPC, EDQUOT and many other errors as FAILURE without details; only
 * where the text mentions space does it become `no-space`.
 */
export function toCopyError(error: SftpStatusError, context: StatusContext): CopyError {
  const { operation, path, side = 'destination' } = context;
  const reason = error.text === '' ? `status ${error.status}` : error.text.replace(/\.$/, '');
  const message = `The server refused to ${operation} ${cleanText(path)}: ${reason}.`;
  const options: CopyErrorOptions = { cause: error, refused: { operation, text: error.text } };
  if (error.status === StatusCode.noConnection || error.status === StatusCode.connectionLost) {
    return new CopyError('connection-lost', message, options);
  }
  if (error.status === StatusCode.unsupported) return new CopyError('unsupported', message, options);
  if (side === 'source') {
    return new CopyError(error.isMissing ? 'source-missing' : 'source-unreadable', message, options);
  }
  if (error.isMissing) {
    const advice = 'Check that the directory of the destination exists, and that nobody else removes or renames there.';
    return new CopyError('destination-refused', message, { ...options, advice });
  }
  return new CopyError(destinationCode(error, operation), message, options);
}

function destinationCode(error: SftpStatusError, operation: StatusContext['operation']): ErrorCode {
  const { status, text } = error;
  if (status === StatusCode.noSpace || status === StatusCode.quotaExceeded) return 'no-space';
  if (status === StatusCode.failure && /\bspace\b|\bquota\b|\bdisk (is )?full\b/i.test(text)) return 'no-space';
  if (operation === 'rename') return 'rename-refused';
  switch (status) {
    case StatusCode.permissionDenied:
    case StatusCode.writeProtect:
      return 'destination-permission';
    case StatusCode.fileIsADirectory:
      return 'destination-is-directory';
    case StatusCode.fileAlreadyExists:
    case StatusCode.notADirectory:
      return 'destination-in-the-way';
    case StatusCode.failure:
      // proftpd reports this only in the text, because version 3 has no code for it.
      return /\bis a directory\b/i.test(text) ? 'destination-is-directory' : 'destination-refused';
    default:
      return 'destination-refused';
  }
}
