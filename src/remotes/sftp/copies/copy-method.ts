/** What every way to have the server copy a whole file is given. */
import type { CopyError } from '../../../errors.ts';
import type { SftpSession } from '../session.ts';
import type { ExecChannel } from '../ssh/ssh-connection.ts';

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
