/** Notices that a run emits only once, however many files they apply to. */
import { formatSize } from '../../util/format-size.ts';
import type { JournalSubject } from '../resume/file-journal.ts';
import { choosePieceSize, MAX_PIECES, UNLIMITED_PIECES } from '../schedule/grid.ts';
import type { JobServices } from './direction.ts';
import { describeOverwritten, type OverwrittenTarget } from './target-state.ts';

export class OnceNotices {
  readonly #services: Pick<JobServices, 'options' | 'digests' | 'report'>;
  readonly #isDownload: boolean;
  readonly #told: Set<string> = new Set();

  constructor(services: Pick<JobServices, 'options' | 'digests' | 'report'>, direction: JournalSubject['direction']) {
    this.#services = services;
    this.#isDownload = direction === 'download';
  }

  /**
   * A file of `size` bytes begins. Its pieces may be longer than the user asked for, because it would have too many.
   */
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

  /** Files that may be up to date are copied, because their contents cannot be compared. */
  notCompared(): void {
    const message = 'Files with another time at the target are copied: the server cannot hash what it has.';
    if (this.#isFirst('not-compared'))
      this.#services.report.emit({ type: 'notice', level: 'detail', code: 'not-compared', message });
  }

  /** Some files are done whose contents could not be verified. */
  verifiedBySize(): void {
    const { options, digests } = this.#services;
    if (options.verify !== 'auto' || !digests.isWanted) return;
    // The system tells more of a local source than its size and its time in seconds.
    const unknown = this.#isDownload ? ' A change that left size and time as they were may not have been noticed.' : '';
    this.#tell('no-digests', `The server cannot hash what it has: verified by size.${unknown}`);
  }

  /** A file job that wrote its target in place has failed. This is told of each. */
  overwritten(target: OverwrittenTarget): void {
    this.#services.report.notice('target-overwritten', describeOverwritten(target), 'warning');
  }

  #tell(code: string, message: string): void {
    if (this.#isFirst(code)) this.#services.report.notice(code, message);
  }

  #isFirst(code: string): boolean {
    if (this.#told.has(code)) return false;
    this.#told.add(code);
    return true;
  }
}
