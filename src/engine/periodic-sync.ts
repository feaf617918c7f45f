/** Has the server bring to its disk what it has of a file, from time to time, so that a crash of it costs little. */
import { CopyError } from '../errors.ts';
import type { StageToken } from '../remotes/remote.ts';
import type { UploadContext } from './upload-context.ts';

/** On a line that holds; where all connections are lost before a sync, it is asked for ever sooner. */
const LONGEST_MS = 10_000;
const SHORTEST_MS = 250;

export class PeriodicSync {
  readonly #run: UploadContext;
  readonly #file: number;
  readonly #failed: (error: CopyError) => void;
  #everyMs = LONGEST_MS;
  #isUnderWay = false;
  #lastMs = 0;

  /** `failed` is called when the server's disk does not take it: nothing will mend that. */
  constructor(run: UploadContext, file: number, failed: (error: CopyError) => void) {
    this.#run = run;
    this.#file = file;
    this.#failed = failed;
  }

  /** Nothing is due for a while. */
  restart(): void {
    this.#lastMs = performance.now();
  }

  /** What was acknowledged is in doubt: next time it should have been synced by then. */
  cameTooLate(): void {
    this.#everyMs = Math.max(SHORTEST_MS, this.#everyMs / 4);
  }

  /** Only a witness of all that was acknowledged can tell that it was not lost before. */
  ifDue(nowMs: number, connection: number, of: StageToken): void {
    const { continuity, scheduler } = this.#run;
    if (this.#isUnderWay || nowMs - this.#lastMs < this.#everyMs) return;
    if (!continuity.isWitness(connection) || scheduler.atRisk(this.#file).isEmpty) return;
    this.#isUnderWay = true;
    void this.#sync(connection, of).finally(() => {
      this.#isUnderWay = false;
      this.restart();
    });
  }

  async #sync(connection: number, of: StageToken): Promise<void> {
    const { continuity, scheduler, runner } = this.#run;
    const [epoch, ranges] = [continuity.epoch, scheduler.atRisk(this.#file)];
    try {
      const staged = await runner.local.joined(connection, of);
      const isDurable = await staged.sync();
      // What was begun anew meanwhile is another file.
      if (isDurable && epoch === continuity.epoch && runner.local.holds(connection, of)) {
        scheduler.synced(this.#file, ranges);
        this.#everyMs = Math.min(LONGEST_MS, this.#everyMs * 2);
      }
    } catch (error) {
      // A lost connection is dealt with where it is reported.
      const failure = CopyError.from(error);
      if (failure.scope !== 'connection') this.#failed(failure);
    }
  }
}
