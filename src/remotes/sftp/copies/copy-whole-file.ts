/** Whole files, copied by the server itself. */

import { CopyError } from '../../../errors.ts';
import { beforeAbort } from '../../../util/before-abort.ts';
import { copyByData } from './copy-by-data.ts';
import { copyByName } from './copy-by-name.ts';
import { copyByShell } from './copy-by-shell.ts';
import type { CopyingConnection, CopyMethod, CopyRequest } from './copy-method.ts';

/** In rising order of what they need: an extension of OpenSSH, one of proftpd, a shell. */
const METHODS: readonly CopyMethod[] = [copyByData, copyByName, copyByShell];

/**
 * Resolves with what could not be done although the file was copied; undefined where the server cannot copy, or as soon as
 * `signal` is aborted. A server may continue a copy that nobody waits for any more, or whose connection is gone: what stands
 * at `to` then must not be used.
 * @throws {CopyError} of the destination, such as `no-space`, or scope `connection`
 */
export async function copyWholeFile(
  connection: CopyingConnection,
  request: CopyRequest,
): Promise<readonly string[] | undefined> {
  for (const method of METHODS) {
    if (request.signal.aborted) return undefined;
    try {
      // A server may be busy with one request for a long time.
      return await beforeAbort(method(connection, request), request.signal);
    } catch (error) {
      if (CopyError.from(error).code !== 'unsupported') throw error;
    }
  }
  return undefined;
}
