/** From what sockets and ssh2 say to coded errors with sentences for people. */
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { readableText } from '../codec/readable-text.ts';

/** How far a connection has come. */
export type Stage = 'identification' | 'key exchange' | 'authentication' | 'sftp' | 'open';

/** SSH_DISCONNECT_TOO_MANY_CONNECTIONS (RFC 4253, 11.1): proftpd's MaxClients and relatives. */
const tooManyConnections = 12;

const dialSentences: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name could not be looked up now',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the network',
  ETIMEDOUT: 'the host does not answer',
  ECONNRESET: 'the connection was reset',
  EADDRNOTAVAIL: 'there is no local address or port left for it',
};

/**
 * A TCP connection that did not come about.
 *
 * @param retry whether a later attempt may help: whether a server is known to be there.
 */
export function dialError(error: unknown, target: string, retry: boolean): CopyError {
  const code = codeOf(error);
  const reason = (typeof code === 'string' ? dialSentences[code] : undefined) ?? messageOf(error);
  return new CopyError('connection-failed', `Cannot connect to ${target}: ${reason}.`, { cause: error, retry });
}

/**
 * @param retry as with {@link dialError}.
 * @param said what came in place of an answer.
 */
export function timeoutError(stage: Stage | 'TCP', target: string, ms: number, retry: boolean, said = ''): CopyError {
  const code = stage === 'authentication' ? 'authentication-lost' : 'connection-failed';
  const text = readableText(Buffer.from(said), 100);
  const instead = text === '' ? '' : `; it sent no identification, but this: ${text}`;
  return new CopyError(code, `${target} did not answer within ${ms / 1000} s (${stage})${instead}.`, {
    advice: 'Check host, port and network, or raise --connect-timeout.',
    retry,
  });
}

export function cancelledError(): CopyError {
  return new CopyError('cancelled', 'The connection was given up.');
}

/**
 * What the end of a connection means.
 *
 * @param error what ssh2 or the socket said, undefined for an end without a word.
 * @param greeting what the server sent before its identification line: sshd gives its reason for refusing there.
 */
export function lostError(error: unknown, stage: Stage, target: string, greeting: string): CopyError {
  const code = codeOf(error);
  const cause = error === undefined ? {} : { cause: error };
  if (code === tooManyConnections) {
    return new CopyError('connection-refused', `${target} refused the connection: ${messageOf(error)}.`, cause);
  }
  if (stage === 'key exchange' && isMalformed(error)) return handshakeError(error, target);
  const lost = stage === 'authentication' ? 'authentication-lost' : 'connection-lost';
  if (typeof code === 'number') {
    return new CopyError(lost, `${target} ended the connection: ${messageOf(error)}.`, cause);
  }
  if (stage === 'identification') return refusedError(error, target, greeting);
  const how = error === undefined ? 'was closed by the server' : `was lost (${messageOf(error)})`;
  const when = stage === 'open' ? '' : ` during ${stage}`;
  return new CopyError(lost, `The connection to ${target} ${how}${when}.`, cause);
}

/** Whether what was received is at fault, rather than the line that ended. */
function isMalformed(error: unknown): boolean {
  return isLevel(error, 'handshake') || (isLevel(error, 'protocol') && !/connection lost/i.test(messageOf(error)));
}

/**
 * Something other than SSH listens there.
 *
 * @param what such as "an HTTP server".
 * @param wasSsh whether an SSH server answered there before: then this is most likely a proxy that stands in for it.
 */
export function noSshError(what: string, target: string, wasSsh: boolean): CopyError {
  const message = `${target} is no SSH server: ${what} answered.`;
  if (wasSsh) return new CopyError('connection-refused', message, { advice: 'Check the network, then run it again.' });
  const advice = 'Check host and port: SSH listens at port 22 unless the server says otherwise.';
  return new CopyError('protocol', message, { scope: 'run', retry: false, advice });
}

function refusedError(error: unknown, target: string, greeting: string): CopyError {
  const cause = error === undefined ? {} : { cause: error };
  const text = cleanText(greeting.trim()).slice(0, 300);
  if (text !== '') {
    return new CopyError('connection-refused', `${target} refused the connection: ${text}.`, cause);
  }
  const message = `${target} closed the connection before it said anything: it admits nobody now, or is no SSH server.`;
  const advice = 'It may refuse this address for a while: check host and port, use fewer connections with -n, or wait.';
  return new CopyError('connection-refused', message, { ...cause, advice });
}

/** The two sides have no algorithm in common, or the exchange itself went wrong. */
function handshakeError(error: unknown, target: string): CopyError {
  const message = messageOf(error);
  const cause = { cause: error };
  if (!/no matching/i.test(message)) {
    return new CopyError('protocol', `The key exchange with ${target} failed: ${message}.`, cause);
  }
  return new CopyError('protocol', `${target} and this program have no algorithm in common: ${message}.`, {
    ...cause,
    scope: 'run',
    retry: false,
    advice: 'Older algorithms can be added with -o KexAlgorithms=+..., Ciphers, MACs or HostKeyAlgorithms.',
  });
}

export function isLevel(error: unknown, level: string): boolean {
  return error instanceof Error && 'level' in error && error.level === level;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** Cleaned, and without a full stop at its end. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return cleanText(message.trim()).replace(/\.+$/, '').slice(0, 300);
}
