import { StatusCode } from './constants.ts';
import { readableText } from './readable-text.ts';
import type { StatusReply } from './replies.ts';

/** A server's STATUS other than OK. What it means depends on what was asked: it is no `CopyError` yet. */
export class SftpStatusError extends Error {
  override readonly name = 'SftpStatusError';
  /** One of `StatusCode`, or any other uint32. */
  readonly status: number;
  /** What the server says, cleaned for people, at most 200 characters; may be empty. */
  readonly text: string;

  constructor(status: number, text: string) {
    super(`${text === '' ? 'no text' : text} (SFTP status ${status})`);
    this.status = status;
    this.text = text;
  }

  static fromReply(reply: StatusReply): SftpStatusError {
    return new SftpStatusError(reply.status, readableText(reply.message));
  }

  /** Whether nothing stands at the path. */
  get isMissing(): boolean {
    return this.status === StatusCode.noSuchFile || this.status === StatusCode.noSuchPath;
  }
}
