/** Turns what the ssh program of the system prints about a failure into coded errors. */
import { CopyError, type ErrorCode } from '../../../../errors.ts';
import { readableText } from '../../codec/readable-text.ts';
import type { ErrorOutput, SshStage } from './error-output.ts';

interface Kind {
  readonly says: RegExp;
  readonly code: ErrorCode;
  readonly advice?: string;
  /** The stages at which ssh says so; undefined: any before the login. */
  readonly at?: readonly SshStage[];
  /** Whether the run ends also where the kind of error would allow another attempt. */
  readonly isFinal?: boolean;
}

/** By the texts of OpenSSH, which are never translated. The first one that fits counts. */
const KINDS: readonly Kind[] = [
  { says: /HOST IDENTIFICATION HAS CHANGED[\s\S]*Host key verification failed/, code: 'host-key-changed' },
  { says: /REVOKED HOST KEY|host key .* revoked/i, code: 'host-key-revoked' },
  {
    says: /Host key verification failed|No .* host key is known/,
    code: 'host-key-unknown',
    advice: 'Log in once with ssh: compare the fingerprint that it shows with the owner of the server, and accept it.',
  },
  { says: /Unable to negotiate|no matching .* found/i, code: 'protocol', isFinal: true },
  {
    says: /: Permission denied \([^)]*\)\.?\s*$|Too many authentication failures|No more authentication methods/im,
    code: 'authentication-failed',
  },
  {
    says: /Bad configuration option|bad configuration|unknown option|unsupported option|^usage: |Bad .* specification|Can't open user config/im,
    code: 'usage',
    at: ['start'],
    advice: "The system's ssh does not accept this option or file.",
  },
  { says: /subsystem request failed/i, code: 'subsystem-missing', at: ['open'] },
];

/** How many lines of the end are looked at: a banner may say anything. */
const LAST_LINES = 12;

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
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^@+$/.test(line));
  const last = lines.slice(-LAST_LINES).join('\n');
  const said = lastWords(lines);
  // What is printed after the login comes from a program on the server, unless it says otherwise.
  const isPossible = ({ at }: Kind): boolean => (at === undefined ? stage !== 'open' : at.includes(stage));
  const kind = KINDS.find((one) => isPossible(one) && one.says.test(last));
  if (kind !== undefined) {
    const { code, advice, isFinal } = kind;
    const options = { ...(advice && { advice }), ...(isFinal && { scope: 'run' as const, retry: false }) };
    return new CopyError(code, `ssh did not get in at ${target}${said}.`, options);
  }
  switch (stage) {
    case 'start':
      return new CopyError('connection-failed', `ssh cannot connect to ${target}${said}.`, { retry: mayRetry });
    case 'identification':
      return new CopyError('connection-refused', `${target} refused the connection${said}.`);
    case 'key exchange':
    case 'host key':
      return new CopyError('connection-lost', `The connection to ${target} was lost during key exchange${said}.`);
    case 'authentication':
      return new CopyError('authentication-lost', `${target} closed the connection during authentication${said}.`);
    case 'open':
      return new CopyError('connection-lost', `The connection to ${target} was lost${said}.`);
  }
}

/** The end of what was said, in one line, as part of a sentence. */
function lastWords(lines: readonly string[]): string {
  const words = readableText(Buffer.from(lines.slice(-3).join(' ')), 300).replace(/\.+$/, '');
  return words === '' ? '' : `: ${words}`;
}
