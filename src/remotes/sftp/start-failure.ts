/** Explains why SFTP did not begin on an open channel, by the output of the server's programs and the usual causes. */
import type { Readable } from 'node:stream';
import { CopyError } from '../../errors.ts';
import { readableText } from './codec/readable-text.ts';
import { NoSftpError } from './session-greeting.ts';
import type { ProgramEnd, SshConnection } from './ssh/ssh-connection.ts';

/** How long to wait for the remaining output of the server. */
const REMAINING_OUTPUT_MS = 1000;
const MAX_BYTES = 800;

interface Cause {
  readonly fits: (said: string, end: ProgramEnd) => boolean;
  /** One sentence: the usual cause and what to do. */
  readonly advice: string;
}

/** The first one that fits counts. The last one fits always. */
const CAUSES: readonly Cause[] = [
  {
    fits: (said) => /password.*(expired|chang)|chang\w* .*password/i.test(said),
    advice: 'The password has most likely expired: log in once with ssh and set a new one.',
  },
  {
    fits: (said) => /too many (logins|sessions|users|connections)|maxlogins/i.test(said),
    advice: 'The server limits how often this account may be logged in: close other sessions, or wait.',
  },
  {
    fits: (said) =>
      /not (currently )?available|nologin|account.*(disabled|locked|expired)|log-?ins?\b.*(disabled|not permitted)/i.test(
        said,
      ),
    advice:
      'The account most likely has a shell that lets nobody in, such as nologin: ask for internal-sftp, or for another shell.',
  },
  {
    fits: (said, { status }) => status === 127 || status === 126 || /not found|no such file|cannot execute/i.test(said),
    advice:
      'The program for the sftp subsystem is most likely missing on the server: have its path in sshd_config (Subsystem sftp) corrected.',
  },
  {
    fits: (said, { hasEnded, status }) => said !== '' && (!hasEnded || status === 0),
    advice:
      'Usually a shell start-up file (.bashrc, .profile and the like) prints where there is no terminal, or the account has a forced command (ForceCommand, command= in authorized_keys).',
  },
  {
    fits: (said, { hasEnded }) => said !== '' && hasEnded,
    advice:
      'Usually the account has a shell or a forced command (ForceCommand, command= in authorized_keys) that allows no SFTP.',
  },
  {
    fits: () => true,
    advice:
      'Usually the account has a shell that lets nobody in (nologin, false), or a forced command (ForceCommand, command= in authorized_keys).',
  },
];

/** Keeps the first bytes of `stream`. To be created before the stream is read. */
export class FirstBytes {
  #bytes: Buffer = Buffer.alloc(0);
  readonly #stream: Readable;

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on('data', this.#add);
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  end(): void {
    this.#stream.off('data', this.#add);
  }

  readonly #add = (chunk: Buffer): void => {
    if (this.#bytes.length < MAX_BYTES) this.#bytes = Buffer.concat([this.#bytes, chunk]).subarray(0, MAX_BYTES);
  };
}

/**
 * Waits up to a second for remaining output of the server, and returns an error that quotes all output. Returns `error`
 * itself where the failure was not that of a program on the server.
 * @param output the first bytes of the channel of `ssh`, which is still being read
 * @param isFirst whether SFTP has never begun with this server; then it will not begin later either, and the run ends
 */
export async function startFailure(
  ssh: SshConnection,
  error: CopyError,
  output: FirstBytes,
  isFirst: boolean,
): Promise<CopyError> {
  const end = await ssh.programEnd(REMAINING_OUTPUT_MS);
  if (!end.hasEnded) {
    const reason = await Promise.race([ssh.closed, null]);
    // The connection itself has ended.
    if (reason !== null) return reason ?? error;
  }
  if (!(error instanceof NoSftpError) && !end.hasEnded && error.code !== 'protocol') return error;
  const said = [oneLine(textOf(output.bytes)), oneLine(end.stderr)].filter((text) => text !== '').join(' ');
  const words = said === '' ? 'it said nothing' : `it said: ${said}`;
  const { advice } = CAUSES.find(({ fits }) => fits(said, end))!;
  const message =
    error.code === 'protocol' && !(error instanceof NoSftpError) ? error.message : `${howItEnded(end)}; ${words}.`;
  if (!isFirst) return new CopyError('connection-refused', message, { cause: error, advice });
  return new CopyError('subsystem-missing', message, { cause: error, advice });
}

function howItEnded({ hasEnded, status, signal }: ProgramEnd): string {
  if (status !== undefined) return `The sftp program of the server ended with status ${status} before SFTP began`;
  if (signal !== undefined)
    return `The sftp program of the server was ended by ${readableText(Buffer.from(signal))} before SFTP began`;
  if (hasEnded) return 'The server closed the sftp channel before SFTP began';
  return 'The server sent text where SFTP should begin';
}

/** The text before the first byte that cannot be text: SFTP may begin after the output of a start-up file. */
function textOf(bytes: Buffer): Buffer {
  const end = bytes.findIndex((byte) => byte < 0x07 || (byte > 0x0d && byte < 0x20 && byte !== 0x1b));
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function oneLine(bytes: Uint8Array): string {
  const text = Buffer.from(bytes)
    .toString('utf8')
    .replace(/\s*[\r\n]+\s*/g, ' ');
  return readableText(Buffer.from(text.trim())).replace(/\.$/, '');
}
