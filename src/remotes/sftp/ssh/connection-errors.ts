/** Turns the errors of sockets and of ssh2 into coded errors with sentences for people. */
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { readableText } from '../codec/readable-text.ts';

/** How far a connection has come. */
export type Stage = 'identification' | 'key exchange' | 'authentication' | 'sftp' | 'open';

/**
 * SSH_DISCONNECT_TOO_MANY_CONNECTIONS (RFC 4253, 11.1), which proftpd sends because of MaxClients and similar limits.
 */
const TOO_MANY_CONNECTIONS = 12;

const DIAL_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name could not be looked up now',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ETIMEDOUT: 'the host does not answer',
  ECONNRESET: 'the connection was reset',
  EADDRNOTAVAIL: 'there is no local address or port left for it',
};

/**
 * The error for a TCP connection that could not be opened.
 * @param retry whether a later attempt may succeed, because a server is known to be there
 */
export function dialError(error: unknown, target: string, retry: boolean): CopyError {
  const code = codeOf(error);
  const reason = (typeof code === 'string' ? DIAL_REASONS[code] : undefined) ?? messageOf(error);
  return new CopyError('connection-failed', `Cannot connect to ${target}: ${reason}.`, { cause: error, retry });
}

/**
 * The error for a server that did not answer in time.
 * @param retry see {@link dialError}
 * @param said what the server sent instead of an identification
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
 * The error for a connection that ended.
 * @param error the error of ssh2 or of the socket; undefined where the connection ended without one
 * @param greeting what the server sent before its identification line, where sshd explains why it refuses
 */
export function lostError(error: unknown, stage: Stage, target: string, greeting: string): CopyError {
  const code = codeOf(error);
  const cause = error === undefined ? {} : { cause: error };
  if (code === TOO_MANY_CONNECTIONS) {
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

/** Whether something malformed was received, as opposed to a connection that ended. */
function isMalformed(error: unknown): boolean {
  return isLevel(error, 'handshake') || (isLevel(error, 'protocol') && !/connection lost/i.test(messageOf(error)));
}

/**
 * The error for a port at which something other than SSH listens.
 * @param what such as "an HTTP server"
 * @param wasSsh whether an SSH server answered there before, so that this is most likely a proxy in its place
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
  const message = `${target} closed the connection before it sent anything: it refuses connections now, or is no SSH server.`;
  const advice = 'It may refuse this address for a while: check host and port, use fewer connections with -n, or wait.';
  return new CopyError('connection-refused', message, { ...cause, advice });
}

/** The error where the key exchange itself failed. */
function handshakeError(error: unknown, target: string): CopyError {
  return new CopyError('protocol', `The key exchange with ${target} failed: ${messageOf(error)}.`, { cause: error });
}

/** Whether ssh2 ended the key exchange because the two sides have no algorithm in common. */
export function isNoMatch(error: unknown): error is Error {
  return error instanceof Error && isLevel(error, 'handshake') && /no matching/i.test(error.message);
}

export function isLevel(error: unknown, level: string): boolean {
  return error instanceof Error && 'level' in error && error.level === level;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** The message of the error, cleaned and without a full stop at its end. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return cleanText(message.trim()).replace(/\.+$/, '').slice(0, 300);
}
