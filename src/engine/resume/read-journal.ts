/** Reads a journal: those of its lines that are complete and belong to it. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import { isPrivate } from '../../util/is-private.ts';
import { LineSplitter } from '../../util/line-splitter.ts';
import {
  type JournalHeader,
  type JournalMark,
  MAX_HEADER_LENGTH,
  parseHeader,
  parseRecord,
  type StagedSeen,
} from './journal-records.ts';
import { KnownPieces } from './known-pieces.ts';

/** Our journals are never longer: a longer file was tampered with. */
export const MAX_JOURNAL_SIZE: number = 64 * 1024 * 1024;
const CHUNK_SIZE = 64 * 1024;

export interface JournalContent {
  readonly header: JournalHeader;
  readonly seed: string;
  readonly pieces: KnownPieces;
  readonly staged: StagedSeen | undefined;
  readonly marks: ReadonlySet<JournalMark>;
}

/** Which file was read, and how far. */
export interface FoundFile {
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: number;
  /** False where the last line was torn off. */
  readonly endsLine: boolean;
}

/**
 * Undefined: the file is missing, cannot be read, is not a regular file of this user that only this user may write, has
 * no header, or is too long.
 * @throws {CopyError} `journal-newer`: a newer version of this program wrote the journal
 */
export async function readJournal(
  path: string,
): Promise<{ readonly content: JournalContent; readonly found: FoundFile } | undefined> {
  // Without O_NONBLOCK the opening of a FIFO would wait for ever.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(() => undefined);
  try {
    return file && (await readFrom(file));
  } catch (error) {
    if (!(error instanceof NewerFormat)) return undefined;
    const text = `The journal ${cleanText(path)} was written by a newer version (format ${error.format}).`;
    throw new CopyError('journal-newer', text);
  } finally {
    await file?.close();
  }
}

async function readFrom(file: FileHandle): ReturnType<typeof readJournal> {
  const stats = await file.stat({ bigint: true });
  if (!stats.isFile() || !isPrivate(stats)) return undefined;
  const reader = new JournalReader();
  const buffer = Buffer.allocUnsafe(CHUNK_SIZE);
  for (let size = 0; size <= MAX_JOURNAL_SIZE; ) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK_SIZE, size);
    if (bytesRead === 0) {
      const endsLine = !reader.isWithinLine;
      const content = reader.end();
      return content && { content, found: { device: stats.dev, inode: stats.ino, size, endsLine } };
    }
    reader.push(buffer.subarray(0, bytesRead));
    size += bytesRead;
  }
  return undefined;
}

class NewerFormat extends Error {
  readonly format: number;

  constructor(format: number) {
    super(`format ${format}`);
    this.format = format;
  }
}

/** Parses the bytes of a journal, which may come in chunks of any length. */
export class JournalReader {
  readonly #lines = new LineSplitter(MAX_HEADER_LENGTH);
  readonly #pieces = new KnownPieces();
  #start: { readonly header: JournalHeader; readonly seed: string } | undefined;
  #staged: StagedSeen | undefined;
  readonly #marks: Set<JournalMark> = new Set();

  get isWithinLine(): boolean {
    return this.#lines.isWithinLine;
  }

  push(chunk: Buffer): void {
    for (const line of this.#lines.push(chunk)) if (line !== undefined) this.#take(line);
  }

  /** What was read; undefined without a header. */
  end(): JournalContent | undefined {
    // The last line may lack only its end: then its checksum is right.
    const rest = this.#lines.rest();
    if (rest !== undefined) this.#take(rest);
    if (this.#start === undefined) return undefined;
    return { ...this.#start, pieces: this.#pieces, staged: this.#staged, marks: this.#marks };
  }

  #take(line: Buffer): void {
    if (this.#start === undefined) {
      const start = parseHeader(line);
      if (start !== undefined && 'newerFormat' in start) throw new NewerFormat(start.newerFormat);
      this.#start = start;
      return;
    }
    const record = parseRecord(line, this.#start.seed, this.#start.header.source.size);
    if (record?.kind === 'piece') this.#pieces.record(record, record.state, record.digest);
    else if (record?.kind === 'staged') this.#staged = stagedOf(record);
    else if (record !== undefined) this.#marks.add(record.kind);
  }
}

function stagedOf({ size, mtimeMs, atMs }: StagedSeen): StagedSeen {
  return mtimeMs === undefined ? { size, atMs } : { size, mtimeMs, atMs };
}
