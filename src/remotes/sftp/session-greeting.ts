import { CopyError, type CopyErrorOptions } from '../../errors.ts';
import { readableText } from './codec/readable-text.ts';

/** The server did not begin SFTP: it sent text, or ended the channel. */
export class NoSftpError extends CopyError {
  constructor(message: string, options: CopyErrorOptions) {
    super('protocol', message, options);
  }
}

/**
 * The first bytes of a channel, kept until VERSION has come: a login script that prints, or a shell where the SFTP
 * server should be, is best explained by what it says.
 */
export class Greeting {
  #bytes: Buffer = Buffer.alloc(0);

  add(chunk: Uint8Array): void {
    // Four bytes for each of the 200 characters that are shown, and one to see that there is more.
    const room = 804 - this.#bytes.length;
    if (room > 0) this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(0, room)]);
  }

  /** `error`, or a better one if the bytes are text rather than SFTP. */
  explain(error: CopyError): CopyError {
    if (!this.#isText) return error;
    const text = readableText(this.#bytes);
    return new NoSftpError(`The server sent text where SFTP should begin: ${text}`, {
      cause: error,
      advice:
        'Something prints during login (look into .bashrc, .profile and the like): it must not without a terminal.',
    });
  }

  /** The channel ended before VERSION. */
  ended(): CopyError {
    const error = new NoSftpError('The server closed the SFTP channel before it said anything.', {
      advice: 'Ask for the sftp subsystem to be enabled on the server, and for an account that may use it.',
    });
    return this.explain(error);
  }

  /** The first byte of a packet's length is 0: any text would announce a packet of 150 MB and more. */
  get #isText(): boolean {
    const first = this.#bytes.subarray(0, 4);
    return first.length > 0 && first.every((byte) => byte >= 0x20 || (byte >= 0x07 && byte <= 0x0d) || byte === 0x1b);
  }
}
