import { isIPv6 } from 'node:net';
import { bytesFromText, hasRawBytes } from '../util/bytes-text.ts';
import { parseNumber } from './parse-number.ts';
import { usageError } from './usage-error.ts';

/** A place on a server. */
export interface RemoteLocation {
  /** Without brackets; never begins with `-`. */
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
  /** Bytes; empty: the home directory; relative: below it. Holds no NUL. */
  readonly path: Buffer;
}

/**
 * `[USER@]HOST:[PATH]`, `[USER@][V6]:[PATH]` or `sftp://[USER@]HOST[:PORT][/PATH]`. Undefined where `text` names no
 * server but a local path. Usage error where it names one wrongly.
 *
 * `text` may stand for bytes that are not UTF-8 (see `textFromBytes`).
 */
export function parseLocation(text: string): RemoteLocation | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === 'sftp') return parseUri(text);
  if (scheme !== undefined)
    throw usageError(
      `'${text}' is no address this program knows`,
      'Write [USER@]HOST:PATH or sftp://USER@HOST:PORT/PATH.',
    );
  // The last colon would begin the path, or the address is all there is.
  const bare = [text, text.slice(0, Math.max(0, text.lastIndexOf(':')))]
    .map((part) => part.slice(part.lastIndexOf('@') + 1))
    .find((part) => isIPv6(part));
  if (bare !== undefined) throw usageError(`'${text}' holds an IPv6 address without brackets`, `Write [${bare}]:PATH.`);
  const colon = locationColon(text);
  if (colon === -1) return undefined;
  const { user, host } = splitUser(text.slice(0, colon), text);
  return { ...checked(user, unbracketed(host), text), path: bytesFromText(homePath(text.slice(colon + 1))) };
}

/** Where the path begins, less one: the first colon before any slash that is not inside brackets; as scp has it. */
function locationColon(text: string): number {
  if (text.startsWith(':')) return -1;
  let bracketed = text.startsWith('[');
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '@' && text[i + 1] === '[') bracketed = true;
    else if (character === ']' && text[i + 1] === ':' && bracketed) return i + 1;
    else if (character === ':' && !bracketed) return i;
    else if (character === '/') return -1;
  }
  return -1;
}

/** Shells leave `~` after a colon alone, so it arrives here and means what it means there. */
function homePath(path: string): string {
  if (path === '~') return '';
  if (path.startsWith('~/')) return path.slice(2).replace(/^\/+/, '');
  if (/^~[a-z_][\w.-]*(\/|$)/i.test(path)) {
    throw usageError(
      `'${path}' would be the home directory of another user`,
      `Write the whole path, or ./${path} for a file of that name.`,
    );
  }
  return path;
}

function parseUri(text: string): RemoteLocation {
  const rest = text.slice('sftp://'.length);
  const slash = rest.indexOf('/');
  const authority = slash === -1 ? rest : rest.slice(0, slash);
  const path = slash === -1 ? '' : rest.slice(slash + 1);
  const { user, host } = splitUser(authority, text);
  if (user?.includes(':')) {
    throw usageError(
      'The address holds a password, which others could read',
      'Leave it out: it is asked for, or taken from MT_COPY_PASSWORD.',
    );
  }
  const match = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(host);
  if (!match)
    throw usageError(
      `'${text}' holds no host this program can read`,
      'Write sftp://USER@HOST:PORT/PATH, an IPv6 address in brackets.',
    );
  const port = match[2] ? parseNumber(match[2], 'The port of the address', 'a port', 1, 65_535) : undefined;
  const decodedUser = user === undefined ? undefined : percentDecoded(user, text).toString('utf8');
  return {
    // The zone of an address is written with %25 (RFC 6874).
    ...checked(decodedUser, percentDecoded(unbracketed(match[1]!), text).toString('utf8'), text),
    ...(port === undefined ? {} : { port }),
    path: percentDecoded(path, text),
  };
}

function splitUser(text: string, whole: string): { user: string | undefined; host: string } {
  // The last one: names such as user@domain@host are in use.
  const at = text.lastIndexOf('@');
  if (at === -1) return { user: undefined, host: text };
  if (at === 0) throw usageError(`'${whole}' names no user before @`, 'Write USER@HOST:PATH or HOST:PATH.');
  return { user: text.slice(0, at), host: text.slice(at + 1) };
}

function unbracketed(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

function checked(user: string | undefined, host: string, whole: string): { host: string; user?: string } {
  if (host === '') throw usageError(`'${whole}' names no host`, 'Write [USER@]HOST:PATH.');
  // What begins with a dash could be taken for an option by a program that is started with it.
  if (host.startsWith('-') || user?.startsWith('-')) {
    throw usageError(`'${whole}' has a host or user that begins with '-'`, 'Such names are refused.');
  }
  if (hasRawBytes(host) || /[\s\0-\x1f\x7f[\]/@]/.test(host))
    throw usageError(`'${whole}' has a host with a character no host has`, 'Check the name of the host.');
  if (user === undefined) return { host };
  if (user === '' || hasRawBytes(user) || /[\0-\x1f\x7f\uFFFD]/.test(user))
    throw usageError(`'${whole}' has a user with a character no user has`, 'Check the name of the user.');
  return { host, user };
}

function percentDecoded(text: string, whole: string): Buffer {
  const bytes = bytesFromText(text);
  const out: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte !== 0x25) {
      out.push(byte);
      continue;
    }
    const digits = bytes.toString('latin1', i + 1, i + 3);
    if (!/^[0-9a-f]{2}$/i.test(digits) || digits === '00') {
      throw usageError(`'${whole}' has a '%' without two hex digits, or %00`, "Write '%' itself as %25.");
    }
    out.push(Number.parseInt(digits, 16));
    i += 2;
  }
  return Buffer.from(out);
}
