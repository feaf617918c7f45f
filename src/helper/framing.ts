/**
 * What `mt-copy-tools-cs --serve` and its client say to each other: lines of JSON. The program begins with a greeting;
 * then each request is answered by one line, in order. Paths are bytes, and so in base64.
 */
import { CopyError } from '../errors.ts';

export const PROGRAM = 'mt-copy-tools-cs';
/** To be raised when a client of before would misunderstand. */
export const PROTOCOL = 1;
/** The end of what `--version` prints, so that a script can tell which programs serve. */
export const SERVES: string = `(serve ${PROTOCOL})`;

export const ALGORITHMS = ['sha256', 'sha512', 'sha1', 'md5'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** In bytes; room for the longest path that any system takes. */
export const MAX_REQUEST_LENGTH: number = 64 << 10;
export const MAX_ANSWER_LENGTH = 1024;

const HEX_LENGTHS: Readonly<Record<Algorithm, number>> = { sha256: 64, sha512: 128, sha1: 40, md5: 32 };

/** Tells the program to end at once, whatever is under way. */
export const STOP = '{"stop":true}\n';

export interface HashRequest {
  readonly path: Uint8Array;
  readonly algorithm: Algorithm;
  readonly offset: number;
  /** Bytes; 0 is none. */
  readonly length: number;
}

export interface HashResult {
  readonly digest: string;
  /** How many were hashed; fewer than asked for where the file ends before. */
  readonly bytes: number;
}

export interface HashFailure {
  /** A code of the system such as `ENOENT`, or `EPROTO` for a request that was not understood. */
  readonly error: string;
  /** For people. */
  readonly message: string;
}

export type HashAnswer = HashResult | HashFailure;

export function encodeGreeting(version: string): string {
  return `${JSON.stringify({ program: PROGRAM, protocol: PROTOCOL, version })}\n`;
}

/** @throws CopyError `protocol` if it is none, or of another protocol */
export function checkGreeting(line: string): void {
  const { program, protocol } = objectIn(line);
  if (program !== PROGRAM || protocol !== PROTOCOL) throw malformed('greeting');
}

export function encodeRequest({ path, algorithm, offset, length }: HashRequest): string {
  const base64 = Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('base64');
  return `${JSON.stringify({ algorithm, offset, length, path: base64 })}\n`;
}

/** @throws CopyError `protocol` */
export function parseRequest(line: string): HashRequest | 'stop' {
  const { path, algorithm, offset, length, stop } = objectIn(line);
  if (stop === true) return 'stop';
  const isSound = isAlgorithm(algorithm) && isCount(offset) && isCount(length) && isCount(offset + length);
  if (!isSound || typeof path !== 'string' || !/^[A-Za-z0-9+/]+={0,2}$/.test(path)) throw malformed('request');
  return { path: Buffer.from(path, 'base64'), algorithm, offset, length };
}

export function encodeAnswer(answer: HashAnswer): string {
  return `${JSON.stringify(answer)}\n`;
}

/** The answer to `request`. @throws CopyError `protocol` if it cannot be one */
export function parseAnswer(line: string, request: Pick<HashRequest, 'algorithm' | 'length'>): HashAnswer {
  const { digest, bytes, error, message } = objectIn(line);
  if (typeof error === 'string' && typeof message === 'string') return { error, message };
  if (!isDigest(digest, request.algorithm) || !isCount(bytes) || bytes > request.length) throw malformed('answer');
  return { digest, bytes };
}

export function isAlgorithm(value: unknown): value is Algorithm {
  return ALGORITHMS.includes(value as Algorithm);
}

/** Whether it is a digest of that kind, in lower-case hexadecimal. */
export function isDigest(value: unknown, algorithm: Algorithm): value is string {
  return typeof value === 'string' && value.length === HEX_LENGTHS[algorithm] && /^[0-9a-f]*$/.test(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function objectIn(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw malformed('line');
}

function malformed(what: string): CopyError {
  return new CopyError('protocol', `A ${what} of ${PROGRAM} is malformed.`);
}
