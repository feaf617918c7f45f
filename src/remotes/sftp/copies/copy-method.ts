/** The interface of the methods that let the server itself copy a whole file. */
import type { CopyError } from '../../../errors.ts';
import type { SftpSession } from '../session.ts';
import type { ExecChannel } from '../ssh/ssh-connection.ts';

/** The part of a connection that a copy method may use. */
export interface CopyingConnection {
  readonly session: SftpSession;
  readonly closed: Promise<CopyError | undefined>;
  exec(command: string): Promise<ExecChannel>;
}

/** Both paths are absolute, or both are relative to the home directory. Nothing exists at `to`. */
export interface CopyRequest {
  readonly from: Buffer;
  readonly to: Buffer;
  /** The size of the file at `from`, in bytes. */
  readonly size: number;
  /**
   * Permission bits of the new file, where the server allows them to be set; undefined: those that the server chooses.
   */
  readonly mode: number | undefined;
  /** Aborted when the copy is not needed any more. */
  readonly signal: AbortSignal;
}

/**
 * Resolves when the copy is complete, with warnings for people about what could not be done besides copying.
 * @throws {CopyError} `unsupported`: when the server does not support the method
 */
export type CopyMethod = (connection: CopyingConnection, request: CopyRequest) => Promise<readonly string[]>;
