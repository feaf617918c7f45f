/**
 * Writes the records of a journal to its file. Records wait until the next {@link JournalWriter.flush}; then they are
 * appended, or the file is written anew from all that is known: where something was taken back, where too many records
 * wait, where most of the file is waste, and where the file is not ours any more.
 *
 * What can go wrong: the file cannot be written. Then nothing more is written, and a file that claims too much is
 * removed.
 *
 * A writer is in one of these states: writing; failed; closed. These things always hold:
 *
 * - After each flush the file claims nothing that was taken back before the flush was called.
 * - One write is in progress at a time. All calls of flush that come during a write share the next one.
 */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import { systemErrorText } from '../../util/system-error.ts';
import type { JournalFile } from './journal-file.ts';
import { type HeaderLine, type JournalRecord, MAX_HEADER_LENGTH, recordLine } from './journal-records.ts';
import { MAX_JOURNAL_SIZE } from './read-journal.ts';

/** The most characters that wait for a flush. When there are more, the file is written anew from what is known. */
const MAX_BUFFER = 1024 * 1024;
const COMPACT_ABOVE = 1024 * 1024;
const COMPACT_FACTOR = 4;
/** A longer file is always compacted, because a run would not read it if it came near the limit. */
const COMPACT_ALWAYS_ABOVE = (MAX_JOURNAL_SIZE / 4) * 3;

/** Called once, when the journal cannot be written. From then on it works in memory alone, and the copy continues. */
export type JournalFailure = (error: CopyError) => void;

type WrittenFile = Pick<JournalFile, keyof JournalFile>;

export class JournalWriter {
  readonly #file: WrittenFile;
  readonly #header: HeaderLine;
  readonly #known: () => Iterable<JournalRecord>;
  readonly #onFailure: JournalFailure;
  /** The lines that wait for a flush. */
  #buffer = '';
  #mustRewrite = false;
  /** Whether the file claims something that is no longer true. */
  #overclaims = false;
  #state: 'writing' | 'failed' | 'closed' = 'writing';
  #compactAbove = COMPACT_ABOVE;
  #last: Promise<void> = Promise.resolve();
  #queued: Promise<void> | undefined;

  /** `known` returns records of everything that is known when it is called. */
  constructor(file: WrittenFile, header: HeaderLine, known: () => Iterable<JournalRecord>, onFailure: JournalFailure) {
    this.#file = file;
    this.#header = header;
    this.#known = known;
    this.#onFailure = onFailure;
  }

  get path(): string {
    return this.#file.path;
  }

  /** Something more is known. */
  append(record: JournalRecord): void {
    if (this.#mustRewrite || this.#state !== 'writing') return;
    this.#buffer += recordLine(record, this.#header.seed);
    if (this.#buffer.length > MAX_BUFFER) this.rewriteNext();
  }

  /** Something that the file may claim is not known any more. */
  takeBack(): void {
    this.#overclaims = true;
    this.rewriteNext();
  }

  /** The next flush writes the file anew. */
  rewriteNext(): void {
    this.#mustRewrite = true;
    this.#buffer = '';
  }

  /** Resolves when everything that is known now is on the disk, or cannot be written. Never rejects. */
  flush(): Promise<void> {
    this.#queued ??= this.#last.then(() => {
      this.#queued = undefined;
      return this.#write();
    });
    this.#last = this.#queued;
    return this.#queued;
  }

  /** Flushes and closes. */
  async close(): Promise<void> {
    await this.flush();
    this.#state = 'closed';
    await this.#file.close().catch(() => {});
  }

  /** Closes and removes the file, without a flush. */
  async remove(): Promise<void> {
    const hadFailed = this.#state === 'failed';
    this.#state = 'closed';
    await this.#last;
    await this.#file.remove().catch((error: unknown) => {
      if (!hadFailed) this.#onFailure(this.#failure('removed', error));
    });
  }

  async #write(): Promise<void> {
    try {
      if (this.#state === 'writing') await this.#writeOut();
    } catch (error) {
      this.#buffer = '';
      if (this.#state === 'writing') {
        this.#state = 'failed';
        this.#onFailure(this.#failure('written', error));
      }
    }
    // The next run must not believe claims that cannot be corrected.
    if (this.#state !== 'failed' || !this.#overclaims) return;
    this.#overclaims = false;
    await this.#file.remove().catch(() => {});
  }

  async #writeOut(): Promise<void> {
    const lines = this.#buffer;
    this.#buffer = '';
    // Something may be taken back during the append: then the file is written anew right after it.
    if (!this.#mustRewrite && lines !== '' && !(await this.#file.append(lines))) this.#mustRewrite = true;
    if (!this.#mustRewrite && this.#file.size > this.#compactAbove) this.#mustRewrite = this.#isMostlyWaste();
    if (this.#mustRewrite) await this.#rewrite();
  }

  async #rewrite(): Promise<void> {
    // Records that come while the file is written are appended afterwards.
    const lines = this.#lines();
    const overclaimed = this.#overclaims;
    this.#buffer = '';
    this.#mustRewrite = false;
    this.#overclaims = false;
    try {
      await this.#file.replace(lines);
    } catch (error) {
      this.#overclaims ||= overclaimed;
      throw error;
    }
  }

  #isMostlyWaste(): boolean {
    let needed = 0;
    for (const line of this.#lines()) needed += Buffer.byteLength(line);
    this.#compactAbove = Math.min(COMPACT_ALWAYS_ABOVE, Math.max(COMPACT_ABOVE, COMPACT_FACTOR * needed));
    return this.#file.size > this.#compactAbove;
  }

  /** Everything that is known now, as the lines of a journal. */
  #lines(): Iterable<string> {
    const { line, seed } = this.#header;
    if (Buffer.byteLength(line) > MAX_HEADER_LENGTH) throw new Error('The paths are too long');
    return linesOf(line, seed, this.#known());
  }

  #failure(what: string, error: unknown): CopyError {
    const text = `The journal ${cleanText(this.path)} cannot be ${what}: ${systemErrorText(error)}.`;
    const advice = 'The copy goes on; if it is interrupted, more may have to be sent again.';
    return new CopyError('local-io', text, { cause: error, advice });
  }
}

function* linesOf(header: string, seed: string, records: Iterable<JournalRecord>): Generator<string> {
  yield header;
  for (const record of records) yield recordLine(record, seed);
}
