/** Lets the server itself copy a whole file. */
import { CopyError } from '../../../errors.ts';
import { beforeAbort } from '../../../util/before-abort.ts';
import { copyByData } from './copy-by-data.ts';
import { copyByName } from './copy-by-name.ts';
import { copyByShell } from './copy-by-shell.ts';
import type { CopyingConnection, CopyMethod, CopyRequest } from './copy-method.ts';

/** In the order in which they are tried: an extension of OpenSSH, one of proftpd, a shell. */
const METHODS: readonly CopyMethod[] = [copyByData, copyByName, copyByShell];

/**
 * Resolves with warnings for people about what could not be done besides copying; with undefined where the server
 * cannot copy, and as soon as `signal` is aborted. After an abort, and after the loss of the connection, the server may
 * still be copying, so that the file at `to` must not be used.
 * @throws {CopyError} of the destination, such as `no-space`: when the server fails to copy; scope `connection`: when
 *   the connection is lost
 */
export async function copyWholeFile(
  connection: CopyingConnection,
  request: CopyRequest,
): Promise<readonly string[] | undefined> {
  for (const method of METHODS) {
    if (request.signal.aborted) return undefined;
    try {
      // The server may take a long time for one request, which an abort does not wait for.
      return await beforeAbort(method(connection, request), request.signal);
    } catch (error) {
      if (CopyError.from(error).code !== 'unsupported') throw error;
    }
  }
  return undefined;
}
