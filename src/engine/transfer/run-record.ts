/** Records what becomes of the files of a run: in its totals, in its progress, and in events. */
import type { CopyError } from '../../errors.ts';
import type { VerifiedBytes } from '../events.ts';
import type {
  Examined,
  FileResult,
  PlannedFile,
  Preparation,
  Report,
  SkippedFile,
  UnplannedFile,
} from './direction.ts';
import type { OnceNotices } from './once-notices.ts';
import { Progress } from './progress.ts';
import { RunTotals } from './run-totals.ts';

type Named = Pick<PlannedFile, 'paths' | 'size'>;

export class RunRecord {
  readonly progress: Progress = new Progress(performance.now());
  readonly totals: RunTotals = new RunTotals();
  readonly #report: Report;
  readonly #notices: OnceNotices;

  constructor(report: Report, notices: OnceNotices) {
    this.#report = report;
    this.#notices = notices;
  }

  get verified(): VerifiedBytes {
    return this.totals.verified;
  }

  prepared({ known, failures, isGrowing = false }: Preparation): void {
    this.progress.know(known, isGrowing);
    for (const failed of failures) this.failed(failed, failed.error);
  }

  planned(file: PlannedFile): void {
    this.progress.onPlanned(file);
  }

  plannedInVain(file: UnplannedFile): void {
    this.progress.onPlanned(file);
    if (file.isStream) this.progress.onStreamEnded();
    this.failed(file, file.error);
  }

  started(file: PlannedFile): void {
    this.#report.emit({ type: 'file', state: 'started', ...shown(file) });
  }

  wouldCopy(file: PlannedFile): void {
    this.#report.emit({ type: 'file', state: 'would-copy', ...shown(file) });
  }

  /** `wasPlanned`: whether the totals of the progress have the file. */
  skipped({ paths, size }: SkippedFile, wasPlanned: boolean): void {
    this.totals.onFileSkipped(size);
    if (wasPlanned) this.progress.onSkipped(size);
    else this.progress.onPlannedSkipped(size);
    this.#report.emit({ type: 'file', state: 'skipped', ...paths, size });
  }

  done(file: PlannedFile, result: FileResult, bytesResumed: number): void {
    const { bytes } = result;
    this.totals.onFileDone(result, bytesResumed);
    this.progress.onFileDone(file.size, bytes);
    if (this.totals.verified.bySize > 0) this.#notices.verifiedBySize();
    this.#report.emit({ type: 'file', state: 'done', ...file.paths, size: bytes });
  }

  /** Something that is no file, such as a link, was made. */
  made(paths: PlannedFile['paths']): void {
    this.#report.emit({ type: 'file', state: 'done', ...paths, size: 0 });
  }

  wouldRemove(target: string, size: number): void {
    this.#report.emit({ type: 'file', state: 'would-remove', source: '', target, size });
  }

  failed({ paths, size }: Named, error: CopyError): void {
    this.totals.onFileFailed(error);
    if (size > 0) this.progress.onFileFailed(size);
    this.#report.emit({ type: 'file', state: 'failed', ...paths, size, error: error.toData() });
  }

  kept(examined: Examined): void {
    this.totals.kept(examined);
    if (examined.overwritten !== undefined) this.#notices.overwritten(examined.overwritten);
  }
}

/** The properties of a planned file that events have. */
function shown({ paths, size, isStream, replaces }: PlannedFile) {
  return { ...paths, size, ...(isStream && { isSizeKnown: false }), replaces };
}
