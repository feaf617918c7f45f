/** The piece runners of a run, used as one. */
import type { LocalRunner } from './local-runner.ts';
import type { PieceRunner } from './piece-runner.ts';

export interface Runners extends PieceRunner {
  /** The one of this thread, for what is not bulk data: it always has connections 1 and 2. */
  readonly local: LocalRunner;
}
