/** Small files, hashed many at a time where programs have to be started for each question. */
import { CopyError } from '../../../errors.ts';
import type { DigestAlgorithm, Range } from '../../remote.ts';

/** Bytes of a file that is small: it is read in less time than it takes to start what hashes it. */
const MAX_LENGTH = 1 << 20;
/** A cell of a grid is no shorter, and a power of two; of a file that is shorter than its cell there is nothing more. */
const MIN_CELL = 64 * 1024;
/** Batches of which nothing came, in a row: that of one may be for the sake of a file that is gone. */
const MAX_FRUITLESS = 3;
/** Files at once: what is asked and what is answered stay short. */
const MAX_FILES = 64;
const MAX_PATH_BYTES = 16_384;

export interface SmallFile {
  readonly path: Uint8Array;
  /** Bytes that it should have. */
  readonly length: number;
  readonly algorithm: DigestAlgorithm;
}

/** What answers. */
export interface BatchQuestions {
  one(file: SmallFile): Promise<Uint8Array | undefined>;
  /** At least two, of one algorithm. Undefined: no answer for this one. */
  many(files: readonly SmallFile[]): Promise<readonly (Uint8Array | undefined)[]>;
}

interface Waiting {
  readonly file: SmallFile;
  readonly resolve: (digest: Promise<Uint8Array | undefined> | Uint8Array) => void;
  readonly reject: (error: CopyError) => void;
}

/** Whether what is asked for is a small file as a whole, of a name that programs print as it is. */
export function isSmallFile(path: Uint8Array, { offset, length }: Range): boolean {
  const isCell = length >= MIN_CELL && (length & (length - 1)) === 0;
  return (
    offset === 0 &&
    length <= MAX_LENGTH &&
    !isCell &&
    path.every((byte) => byte >= 0x20 && byte !== 0x5c && byte !== 0x7f)
  );
}

export class FileBatches {
  readonly #questions: BatchQuestions;
  readonly #waiting: Waiting[] = [];
  #isBusy = false;
  /** Batches in a row of which nothing came. */
  #fruitless = 0;

  constructor(questions: BatchQuestions) {
    this.#questions = questions;
  }

  /** The digest of the whole file; undefined where it has not all its bytes. Rejects as `one` does. */
  digest(file: SmallFile): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ file, resolve, reject });
      void this.#work();
    });
  }

  /** One batch after another: what is asked for meanwhile becomes the next. */
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
    if (this.#fruitless === MAX_FRUITLESS || files.length === 1) return [];
    const digests = await this.#questions.many(files);
    this.#fruitless = digests.some((digest) => digest !== undefined) ? 0 : this.#fruitless + 1;
    return digests;
  }
}
