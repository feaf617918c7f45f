import { StatusCode } from './constants.ts';
import { readableText } from './readable-text.ts';
import type { StatusReply } from './replies.ts';

/**
 * A STATUS reply other than OK. It is not a `CopyError`, because its meaning depends on the request; see
 * `status-errors.ts`.
 */
export class SftpStatusError extends Error {
  override readonly name = 'SftpStatusError';
  /** One of `StatusCode`, or any other uint32. */
  readonly status: number;
  /** The text of the server, cleaned for people, at most 200 characters; may be empty. */
  readonly text: string;

  constructor(status: number, text: string) {
    super(`${text === '' ? 'no text' : text} (SFTP status ${status})`);
    this.status = status;
    this.text = text;
  }

  static fromReply(reply: StatusReply): SftpStatusError {
    return new SftpStatusError(reply.status, readableText(reply.message));
  }

  /** Whether nothing exists at the path. */
  get isMissing(): boolean {
    return isMissingStatus(this.status);
  }
}

/** Whether a status means that nothing exists at the path. */
export function isMissingStatus(status: number): boolean {
  return status === StatusCode.noSuchFile || status === StatusCode.noSuchPath;
}
