import { CopyError, type CopyErrorOptions } from '../../errors.ts';
import { readableText } from './codec/readable-text.ts';

/** The error where the server did not begin SFTP, but sent text or closed the channel. */
export class NoSftpError extends CopyError {
  constructor(message: string, options: CopyErrorOptions) {
    super('protocol', message, options);
  }
}

/**
 * The first bytes of a channel, kept until VERSION was received. Where a login script prints something, or a shell runs
 * in place of the SFTP server, the error quotes these bytes.
 */
export class Greeting {
  #bytes: Buffer = Buffer.alloc(0);

  add(chunk: Uint8Array): void {
    // Enough for the 200 characters that are shown, of up to four bytes each, and one more to see that the text
    // continues.
    const room = 804 - this.#bytes.length;
    if (room > 0) this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(0, room)]);
  }

  /** Returns `error`, or an error that quotes the text if the bytes are text rather than SFTP. */
  explain(error: CopyError): CopyError {
    if (!this.#isText) return error;
    const text = readableText(this.#bytes);
    return new NoSftpError(`The server sent text where SFTP should begin: ${text}`, {
      cause: error,
      advice:
        'A start-up file of the shell (.bashrc, .profile and the like) prints something; it must not where there is no terminal.',
    });
  }

  /** The error for a channel that ended before VERSION. */
  ended(): CopyError {
    const error = new NoSftpError('The server closed the SFTP channel before it sent anything.', {
      advice: 'Ask for the sftp subsystem to be enabled on the server, and for an account that may use it.',
    });
    return this.explain(error);
  }

  /**
   * Text is no packet: the length field of a packet begins with 0, whereas text would mean a length of 150 MB or more.
   */
  get #isText(): boolean {
    const first = this.#bytes.subarray(0, 4);
    return first.length > 0 && first.every((byte) => byte >= 0x20 || (byte >= 0x07 && byte <= 0x0d) || byte === 0x1b);
  }
}
