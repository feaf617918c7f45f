/**
 * The lines of a journal: `xxxxxxxxxxxxxxxx {json}\n`. The checksum of a line is the first 16 hex digits of a SHA-256.
 * That of the header is computed over its JSON text alone, that of every other record over the digits of the header and
 * its own JSON text, so that a line of another journal is not accepted.
 *
 * A record only adds to what is known. When something is no longer true, the journal is written anew. Therefore a line
 * that is torn, damaged, foreign or of an unknown kind can be skipped, and the other lines are still true. A kind of
 * record that takes something back would need a new format. Every format begins with a header that has `kind` and
 * `format`.
 */
import { createHash } from 'node:crypto';
import type { Range, StageToken } from '../../remotes/remote.ts';
import type { SourceIdentity } from '../local/local-source.ts';
import { isPieceSize } from '../schedule/grid.ts';

const FORMAT = 2;
const CHECKSUM_LENGTH = 16;
/** The most bytes of a line without its end. A header has four paths, and each of their bytes may take six bytes. */
export const MAX_HEADER_LENGTH: number = 128 * 1024;
const MAX_RECORD_LENGTH: number = 4 * 1024;
const MAX_TOKEN_ENTRIES = 16;

/** From the lowest to the highest. */
export const PIECE_STATES = ['acknowledged', 'durable', 'verified'] as const;
export type PieceState = (typeof PIECE_STATES)[number];

/** What a journal is about. Paths are reversible text of their bytes (`util/bytes-text.ts`). */
export interface JournalHeader {
  readonly direction: 'upload' | 'download';
  /** The machine that wrote it; see `machine-id.ts`. */
  readonly machine: string;
  /** Changes when that machine is started; see `boot-id.ts`. Undefined: the system does not tell. */
  readonly boot?: string | undefined;
  readonly sourcePath: string;
  readonly source: SourceIdentity;
  readonly targetPath: string;
  readonly token: StageToken;
  readonly pieceSize: number;
}

export interface KnownPiece extends Range {
  readonly state: PieceState;
  /** SHA-256 of the local bytes of exactly this range, 64 hex digits. */
  readonly digest?: string;
}

export type DigestedPiece = KnownPiece & { readonly digest: string };

/** What the staged file looked like, as the server told it after a sync. */
export interface StagedSeen {
  readonly size: number;
  /** Milliseconds since 1970, by the server's clock. */
  readonly mtimeMs?: number;
  /** Milliseconds since 1970, by the local clock. */
  readonly atMs: number;
}

/**
 * What holds for all of what is staged. `many-writers`: a run has found out that many connections may write it.
 * `sync-refused`: the server failed to bring it to its disk. What was not durable by then may be in the server's memory
 * alone, and no later sync brings it to the disk, unless it is written again.
 */
export type JournalMark = 'many-writers' | 'sync-refused';

export type JournalRecord =
  | ({ readonly kind: 'piece' } & KnownPiece)
  | ({ readonly kind: 'staged' } & StagedSeen)
  | { readonly kind: JournalMark };

/** The first line, and the checksum that binds the others to it. */
export interface HeaderLine {
  readonly line: string;
  readonly seed: string;
}

export function headerLine(header: JournalHeader): HeaderLine {
  const { machine, boot, sourcePath, source, targetPath, token, pieceSize, direction } = header;
  const { size, mtimeNs, ctimeNs, inode, device } = source;
  const identity = {
    size,
    mtimeNs: String(mtimeNs),
    ctimeNs: String(ctimeNs),
    inode: String(inode),
    device: String(device),
  };
  const fields = { direction, machine, boot, sourcePath, source: identity, targetPath, token, pieceSize };
  const line = lineOf({ kind: 'header', format: FORMAT, ...fields }, '');
  return { line, seed: line.slice(0, CHECKSUM_LENGTH) };
}

export function recordLine(record: JournalRecord, seed: string): string {
  return lineOf(record, seed);
}

/** Parses a line, without its end, as a header. Undefined: it is not one. */
export function parseHeader(
  line: Buffer,
): { readonly header: JournalHeader; readonly seed: string } | { readonly newerFormat: number } | undefined {
  const fields = line.length <= MAX_HEADER_LENGTH ? fieldsOf(line, '') : undefined;
  if (fields?.['kind'] !== 'header' || !isSize(fields['format'])) return undefined;
  if (fields['format'] > FORMAT) return { newerFormat: fields['format'] };
  const header = fields['format'] === FORMAT ? toHeader(fields) : undefined;
  return header && { header, seed: line.toString('latin1', 0, CHECKSUM_LENGTH) };
}

/** Parses a line, without its end, as a record after the header of `seed`, of a file of `fileSize` bytes. */
export function parseRecord(line: Buffer, seed: string, fileSize: number): JournalRecord | undefined {
  const fields = line.length <= MAX_RECORD_LENGTH ? fieldsOf(line, seed) : undefined;
  switch (fields?.['kind']) {
    case 'piece':
      return toPiece(fields, fileSize);
    case 'staged':
      return toStaged(fields);
    case 'many-writers':
    case 'sync-refused':
      return { kind: fields['kind'] };
    default:
      return undefined;
  }
}

/** Whether it is a range of at least one byte within a file of `fileSize` bytes. */
export function isRangeWithin(range: Partial<Record<keyof Range, unknown>>, fileSize: number): range is Range {
  const { offset, length } = range;
  return isSize(offset) && isSize(length) && length > 0 && offset <= fileSize && length <= fileSize - offset;
}

export function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

type Fields = Readonly<Record<string, unknown>>;

function toHeader(fields: Fields): JournalHeader | undefined {
  const { direction, machine, boot, sourcePath, targetPath, pieceSize } = fields;
  const source = toIdentity(fields['source']);
  const token = toToken(fields['token']);
  if ((direction !== 'upload' && direction !== 'download') || typeof machine !== 'string') return undefined;
  if (typeof sourcePath !== 'string' || typeof targetPath !== 'string') return undefined;
  if (source === undefined || token === undefined || typeof pieceSize !== 'number' || !isPieceSize(pieceSize)) {
    return undefined;
  }
  const known: JournalHeader = { direction, machine, sourcePath, source, targetPath, token, pieceSize };
  return typeof boot === 'string' ? { ...known, boot } : known;
}

function toIdentity(value: unknown): SourceIdentity | undefined {
  if (!isFields(value)) return undefined;
  const { size, mtimeNs, ctimeNs, inode, device } = value;
  if (!isSize(size) || !isWhole(mtimeNs) || !isWhole(ctimeNs) || !isWhole(inode) || !isWhole(device)) return undefined;
  return { size, mtimeNs: BigInt(mtimeNs), ctimeNs: BigInt(ctimeNs), inode: BigInt(inode), device: BigInt(device) };
}

function toToken(value: unknown): StageToken | undefined {
  if (!isFields(value) || typeof value['stage'] !== 'string') return undefined;
  const entries = Object.entries(value);
  if (entries.length > MAX_TOKEN_ENTRIES) return undefined;
  const isPlain = entries.every(([, entry]) => ['string', 'number', 'boolean'].includes(typeof entry));
  return isPlain ? (value as StageToken) : undefined;
}

function toPiece(fields: Fields, fileSize: number): JournalRecord | undefined {
  const { digest } = fields;
  const state = PIECE_STATES.find((name) => name === fields['state']);
  if (state === undefined || !isRangeWithin(fields, fileSize)) return undefined;
  const piece = { kind: 'piece', offset: fields.offset, length: fields.length, state } as const;
  if (digest === undefined) return piece;
  return isDigest(digest) ? { ...piece, digest } : undefined;
}

function toStaged({ size, mtimeMs, atMs }: Fields): JournalRecord | undefined {
  if (!isSize(size) || !isTime(atMs)) return undefined;
  if (mtimeMs === undefined) return { kind: 'staged', size, atMs };
  return isTime(mtimeMs) ? { kind: 'staged', size, mtimeMs, atMs } : undefined;
}

function lineOf(fields: object, seed: string): string {
  // JSON.stringify escapes lone surrogates, which represent bytes that are not UTF-8.
  const json = JSON.stringify(fields);
  return `${checksum(json, seed)} ${json}\n`;
}

function fieldsOf(line: Buffer, seed: string): Fields | undefined {
  const json = line.subarray(CHECKSUM_LENGTH + 1);
  if (json.length === 0 || line.toString('latin1', 0, CHECKSUM_LENGTH + 1) !== `${checksum(json, seed)} `) {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(json.toString('utf8'));
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function checksum(json: string | Uint8Array, seed: string): string {
  return createHash('sha256').update(seed).update(json).digest('hex').slice(0, CHECKSUM_LENGTH);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTime(value: unknown): value is number {
  return Number.isFinite(value);
}

/** The decimal digits of an integer of at most 64 bits. */
function isWhole(value: unknown): value is string {
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value);
}
