/** What a run tells its observers once, however many files it is true of. */
import { formatSize } from '../../util/format-size.ts';
import { choosePieceSize, MAX_PIECES, UNLIMITED_PIECES } from '../schedule/grid.ts';
import type { JobServices } from './direction.ts';

export class OnceNotices {
  readonly #services: Pick<JobServices, 'options' | 'digests' | 'report'>;
  readonly #told: Set<string> = new Set();

  constructor(services: Pick<JobServices, 'options' | 'digests' | 'report'>) {
    this.#services = services;
  }

  /** A file of `size` bytes begins. It may have longer pieces than was asked for, because it would have too many of them. */
  pieceSize(size: number): void {
    const { pieceSize: wanted } = this.#services.options;
    if (wanted === 'auto') return;
    const chosen = choosePieceSize(size, UNLIMITED_PIECES, wanted);
    if (chosen === wanted) return;
    const limit = `a file has at most ${MAX_PIECES.toLocaleString('en')} pieces`;
    this.#tell(
      'piece-size',
      `The pieces of ${formatSize(size)} are ${formatSize(chosen)} long, not ${formatSize(wanted)}: ${limit}.`,
    );
  }

  /** The contents of some files that are done could not be verified. */
  verifiedBySize(): void {
    const { options, digests } = this.#services;
    if (options.verify !== 'auto' || !digests.isWanted) return;
    this.#tell('no-digests', 'The server cannot hash what it has: verified by size.');
  }

  #tell(code: string, message: string): void {
    if (this.#told.has(code)) return;
    this.#told.add(code);
    this.#services.report.notice(code, message);
  }
}
