/** Whole files, copied by the server itself. */
import { CopyError } from '../../../errors.ts';
import type { SftpSession } from '../session.ts';
import type { ExecChannel } from '../ssh/ssh-connection.ts';
import { copyByData } from './copy-by-data.ts';
import { copyByName } from './copy-by-name.ts';
import { copyByShell } from './copy-by-shell.ts';

/** What a copy may use of a connection. */
export interface CopyingConnection {
  readonly session: SftpSession;
  readonly closed: Promise<CopyError | undefined>;
  exec(command: string): Promise<ExecChannel>;
}

/** Both paths are absolute, or both are relative to the home directory; nothing exists at `to`. */
export interface CopyRequest {
  readonly from: Buffer;
  readonly to: Buffer;
  /** Bytes of the file at `from`. */
  readonly size: number;
  /** Permission bits of the new file, where the server lets them be told. */
  readonly mode: number;
  /** Nobody wants the copy any more. */
  readonly signal: AbortSignal;
}

/**
 * Resolves when the copy is complete, with what could not be done although it is, for people; rejects with `unsupported`
 * where the server has no such means.
 */
export type CopyMethod = (connection: CopyingConnection, request: CopyRequest) => Promise<readonly string[]>;

/** In rising order of what they need: an extension of OpenSSH, one of proftpd, a shell. */
const METHODS: readonly CopyMethod[] = [copyByData, copyByName, copyByShell];

/**
 * Resolves with what could not be done although the file was copied; undefined where the server cannot copy, or as soon as
 * `signal` is aborted. A server may continue a copy that nobody waits for any more, or whose connection is gone: what stands
 * at `to` then must not be used.
 * @throws CopyError of the destination, such as `no-space`, or scope `connection`
 */
export async function copyWholeFile(
  connection: CopyingConnection,
  request: CopyRequest,
): Promise<readonly string[] | undefined> {
  for (const method of METHODS) {
    if (request.signal.aborted) return undefined;
    try {
      return await beforeAbort(method(connection, request), request.signal);
    } catch (error) {
      if (CopyError.from(error).code !== 'unsupported') throw error;
    }
  }
  return undefined;
}

/** Undefined as soon as `signal` is aborted: a server may be busy with one request for a long time. */
function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const end = (): void => resolve(undefined);
    signal.addEventListener('abort', end, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', end));
  });
}
