/** Turns what the ssh program of the system prints about a failure into coded errors. */
import { CopyError, type ErrorCode } from '../../../../errors.ts';
import { readableText } from '../../codec/readable-text.ts';
import type { ErrorOutput } from './error-output.ts';

interface Kind {
  readonly says: RegExp;
  readonly code: ErrorCode;
  readonly advice?: string;
  /** Whether the run ends also where the kind of error would allow another attempt. */
  readonly isFinal?: boolean;
}

/** By the texts of OpenSSH, which are never translated. The first one that fits counts. */
const KINDS: readonly Kind[] = [
  { says: /REMOTE HOST IDENTIFICATION HAS CHANGED|POSSIBLE DNS SPOOFING/, code: 'host-key-changed' },
  { says: /REVOKED HOST KEY|host key .* revoked/i, code: 'host-key-revoked' },
  {
    says: /Host key verification failed|No .* host key is known/,
    code: 'host-key-unknown',
    advice: 'Log in once with ssh: compare the fingerprint that it shows with the owner of the server, and accept it.',
  },
  { says: /Unable to negotiate|no matching .* found/i, code: 'protocol', isFinal: true },
  {
    says: /Permission denied|Too many authentication failures|No more authentication methods|Authentication failed/i,
    code: 'authentication-failed',
  },
  {
    says: /Bad configuration option|bad configuration|unknown option|unsupported option|^usage: |Bad .* specification|not a valid|Can't open user config/im,
    code: 'usage',
    advice: "The system's ssh does not accept this option or file.",
  },
  { says: /subsystem request failed/i, code: 'subsystem-missing' },
  { says: /Could not resolve hostname .*(not known|No such host|nodename)/i, code: 'connection-failed' },
];

/**
 * The error for an ssh program that ended before or while it was used.
 * @param target for messages
 * @param mayRetry whether a server is known to be there, so that a failure to reach it may be temporary
 */
export function sshFailure(
  { stage, text }: Pick<ErrorOutput, 'stage' | 'text'>,
  target: string,
  mayRetry: boolean,
): CopyError {
  const said = lastWords(text);
  const kind = KINDS.find(({ says }) => says.test(text));
  // What is printed after the login comes from a program on the server, with one exception.
  if (kind !== undefined && (stage !== 'open' || kind.code === 'subsystem-missing')) {
    const { code, advice, isFinal } = kind;
    if (code === 'connection-failed') return unreachable(target, said, false);
    const options = { ...(advice && { advice }), ...(isFinal && { scope: 'run' as const, retry: false }) };
    return new CopyError(code, `ssh did not get in at ${target}${said}.`, options);
  }
  switch (stage) {
    case 'start':
      return unreachable(target, said, mayRetry);
    case 'identification':
      return new CopyError('connection-refused', `${target} refused the connection${said}.`);
    case 'key exchange':
      return new CopyError('connection-lost', `The connection to ${target} was lost during key exchange${said}.`);
    case 'authentication':
      return new CopyError('authentication-lost', `${target} closed the connection during authentication${said}.`);
    case 'open':
      return new CopyError('connection-lost', `The connection to ${target} was lost${said}.`);
  }
}

function unreachable(target: string, said: string, retry: boolean): CopyError {
  return new CopyError('connection-failed', `ssh cannot connect to ${target}${said}.`, { retry });
}

/** The end of what was said, in one line, as part of a sentence. */
function lastWords(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^@+$/.test(line));
  const words = readableText(Buffer.from(lines.slice(-3).join(' ')), 300).replace(/\.+$/, '');
  return words === '' ? '' : `: ${words}`;
}
