/** Recognises by its first bytes what listens at a port where an SSH server should. */
import { readableText } from '../codec/readable-text.ts';

/**
 * The beginnings of other protocols. The bytes are matched as Latin-1, one character per byte; the first match counts.
 */
const BEGINNINGS: readonly (readonly [beginning: RegExp, what: string])[] = [
  [/^HTTP\/\d/i, 'an HTTP server'],
  [/^\s*<(?:!doctype|html|head|body|\?xml)/i, 'a web server'],
  [/^\d{3}[ -].*(?:smtp|postfix|exim|sendmail|\bmail\b)/i, 'an SMTP server'],
  [/^\d{3}[ -].*ftp/i, 'an FTP server'],
  [/^[245]\d\d[ -]/, 'an FTP or SMTP server'],
  [/^\+OK\b/, 'a POP3 server'],
  [/^\* (?:OK|BYE|PREAUTH)\b/, 'an IMAP server'],
  [/^RFB \d{3}\.\d{3}/, 'a VNC server'],
  [/^@RSYNCD:/, 'an rsync server'],
  [/^-(?:ERR|DENIED)\b/, 'a Redis server'],
  [/^[\x15\x16]\x03[\0-\x04]/, 'a TLS server, as of HTTPS'],
  [/^..\0\0[\x09\x0a]\d/s, 'a MySQL server'],
  [/^\xff[\xfb-\xfe]/, 'a Telnet server'],
];

/** The longest line of text that an SSH server may send. Its identification has at most 255 bytes (RFC 4253, 4.2). */
const LONGEST_LINE = 1024;
/** How many bytes are needed to judge by the share of those beyond ASCII. */
const FEWEST_BYTES = 8;

/**
 * What sent `bytes`, the first bytes of a connection, as the subject of a sentence such as "... answered". Undefined
 * where it may still be an SSH server, because these may send lines of text first, for example to explain why they
 * refuse a client.
 * @param limit how many bytes an SSH server may send before its identification
 */
export function whatAnswered(bytes: Buffer, limit: number): string | undefined {
  const text = bytes.toString('latin1');
  const version = /^SSH-([^-\r\n]{0,20})-/m.exec(text)?.[1];
  if (version === '2.0' || version === '1.99') return undefined;
  if (version !== undefined) return `a server of SSH version ${readableText(Buffer.from(version, 'latin1'))}`;
  const known = BEGINNINGS.find(([beginning]) => beginning.test(text))?.[1];
  if (known !== undefined) return isBinary(bytes) ? known : `${known} (${firstLine(bytes)})`;
  if (isBinary(bytes)) return 'something that sends binary data';
  const lastLine = bytes.length - (bytes.lastIndexOf(0x0a) + 1);
  if (lastLine > LONGEST_LINE) return `something that sends a line without end (${firstLine(bytes)})`;
  if (bytes.length >= limit) return `something that sends text without end (${firstLine(bytes)})`;
  return undefined;
}

function firstLine(bytes: Buffer): string {
  const end = bytes.indexOf(0x0a);
  return readableText(end < 0 ? bytes : bytes.subarray(0, end), 80);
}

/**
 * Text may be in any encoding, so that bytes beyond ASCII do not suffice as evidence, whereas control characters do.
 */
function isBinary(bytes: Buffer): boolean {
  const isControl = (byte: number): boolean =>
    (byte < 0x20 && !(byte >= 0x07 && byte <= 0x0d) && byte !== 0x1b) || byte === 0x7f;
  if (bytes.some(isControl)) return true;
  const beyondAscii = bytes.filter((byte) => byte >= 0x80).length;
  return bytes.length >= FEWEST_BYTES && beyondAscii > bytes.length / 3 && !isUtf8(bytes);
}

function isUtf8(bytes: Buffer): boolean {
  try {
    // The last character may not be complete yet.
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
