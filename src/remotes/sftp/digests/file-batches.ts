/** Hashes many small files with one request, for servers that start a program for each request. */
import { CopyError } from '../../../errors.ts';
import type { DigestAlgorithm, Range } from '../../remote.ts';

/** The most bytes of a small file: it takes less time to read it than to start the program that hashes it. */
const MAX_LENGTH = 1 << 20;
/**
 * The shortest cell of a grid, whose length is a power of two. A range at offset 0 that is no such cell is a whole
 * file, because only the last cell may be shorter.
 */
const MIN_CELL = 64 * 1024;
/**
 * Batches without a single digest, one after another, after which files are hashed one by one. A few are no evidence
 * that batches do not work, because one file that does not exist any more spoils its batch.
 */
const MAX_EMPTY_BATCHES = 3;
/** The most files of a batch, so that requests and answers stay short. */
const MAX_FILES = 64;
const MAX_PATH_BYTES = 16_384;

export interface SmallFile {
  readonly path: Uint8Array;
  /** How many bytes it should have. */
  readonly length: number;
  readonly algorithm: DigestAlgorithm;
}

/** Sends the requests of {@link FileBatches} to the server. */
export interface BatchQuestions {
  one(file: SmallFile): Promise<Uint8Array | undefined>;
  /** Asks for at least two files with the same algorithm. A digest is undefined where there is no usable answer. */
  many(files: readonly SmallFile[]): Promise<readonly (Uint8Array | undefined)[]>;
}

interface Waiting {
  readonly file: SmallFile;
  readonly resolve: (digest: Promise<Uint8Array | undefined> | Uint8Array) => void;
  readonly reject: (error: CopyError) => void;
}

/** Whether the range is a small file as a whole, and the path has no characters that programs print in escaped form. */
export function isSmallFile(path: Uint8Array, { offset, length }: Range): boolean {
  const isCell = length >= MIN_CELL && (length & (length - 1)) === 0;
  return (
    offset === 0 &&
    length <= MAX_LENGTH &&
    !isCell &&
    path.every((byte) => byte >= 0x20 && byte !== 0x5c && byte !== 0x7f)
  );
}

/**
 * Collects requests for small files while a batch is in progress, and sends them as the next batch. There is one batch
 * at a time. Files of a batch that got no digest are asked for one by one; where several batches fail as a whole, all
 * files are.
 */
export class FileBatches {
  readonly #questions: BatchQuestions;
  readonly #waiting: Waiting[] = [];
  #isBusy = false;
  /** How many batches in a row had no digest. */
  #emptyBatches = 0;

  constructor(questions: BatchQuestions) {
    this.#questions = questions;
  }

  /**
   * The digest of the whole file; undefined where the file is too short. Rejects as {@link BatchQuestions.one} does.
   */
  digest(file: SmallFile): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ file, resolve, reject });
      void this.#work();
    });
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#waiting.length > 0) await this.#answer(this.#take());
    this.#isBusy = false;
  }

  #take(): Waiting[] {
    const { algorithm } = this.#waiting[0]!.file;
    let bytes = 0;
    let count = 0;
    for (const { file } of this.#waiting) {
      bytes += file.path.length;
      if (count === MAX_FILES || file.algorithm !== algorithm || (count > 0 && bytes > MAX_PATH_BYTES)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #answer(batch: readonly Waiting[]): Promise<void> {
    try {
      const digests = await this.#askMany(batch.map(({ file }) => file));
      const rest = batch.map(({ file, resolve }, index) => {
        const answer = digests[index] ?? this.#questions.one(file);
        resolve(answer);
        return answer;
      });
      await Promise.allSettled(rest);
    } catch (error) {
      for (const { reject } of batch) reject(CopyError.from(error));
    }
  }

  async #askMany(files: readonly SmallFile[]): Promise<readonly (Uint8Array | undefined)[]> {
    if (this.#emptyBatches === MAX_EMPTY_BATCHES || files.length === 1) return [];
    const digests = await this.#questions.many(files);
    this.#emptyBatches = digests.some((digest) => digest !== undefined) ? 0 : this.#emptyBatches + 1;
    return digests;
  }
}
