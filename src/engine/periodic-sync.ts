/** Has the server bring to its disk what it has of a file, from time to time, so that a crash of it costs little. */
import { CopyError } from '../errors.ts';
import type { Attributes, StageToken } from '../remotes/remote.ts';
import type { UploadContext } from './upload-context.ts';

/** On a line that holds; where all connections are lost before a sync, it is asked for ever sooner. */
const LONGEST_MS = 10_000;
const FIRST_MS = 2000;
const SHORTEST_MS = 250;

export class PeriodicSync {
  readonly #run: UploadContext;
  readonly #file: number;
  readonly #failed: (error: CopyError) => void;
  readonly #synced: (seen: Attributes) => void;
  #seen: Attributes | undefined;
  #everyMs = FIRST_MS;
  #underWay: Promise<void> | undefined;
  #lastMs = 0;
  #generation = 0;
  #isRefused = false;

  /**
   * `failed` is called when the server's disk does not take it: nothing will mend that; `synced` when something is
   * durable that was not before, with what the staged file looked like right before: a crash leaves no less.
   */
  constructor(
    run: UploadContext,
    file: number,
    failed: (error: CopyError) => void,
    synced: (seen: Attributes) => void,
  ) {
    this.#run = run;
    this.#file = file;
    this.#failed = failed;
    this.#synced = synced;
  }

  /** What the staged file looked like right before the last sync that succeeded. */
  get seen(): Attributes | undefined {
    return this.#seen;
  }

  /** Another staged file begins: nothing is known of it, and nothing is due for a while. */
  restart(): void {
    this.#seen = undefined;
    this.#isRefused = false;
    this.#lastMs = performance.now();
  }

  /** What was acknowledged is in doubt: next time it should have been synced by then. */
  cameTooLate(): void {
    this.#everyMs = Math.max(SHORTEST_MS, this.#everyMs / 4);
  }

  /** Only a witness of all that was acknowledged can tell that it was not lost before. */
  ifDue(nowMs: number, connection: number, of: StageToken): void {
    const { continuity, scheduler } = this.#run;
    if (this.#isRefused || this.#underWay !== undefined || nowMs - this.#lastMs < this.#everyMs) return;
    if (!continuity.isWitness(connection) || scheduler.atRisk(this.#file).isEmpty) return;
    this.#begin(connection, of);
  }

  /**
   * The server's disk did not take what it should: a system tells that once, and says OK the next time, so that no later
   * answer is worth anything.
   */
  refused(): void {
    this.#isRefused = true;
  }

  /** Something is written again: a sync that is under way says nothing of it. */
  invalidate(): void {
    this.#generation++;
  }

  /** Nothing more will be sent: what is there is to be kept. Resolves when it is, or cannot be. */
  async last(connection: number, of: StageToken): Promise<void> {
    await this.#underWay;
    if (this.#isRefused) return;
    const { continuity, scheduler } = this.#run;
    if (continuity.isWitness(connection) && !scheduler.atRisk(this.#file).isEmpty) await this.#begin(connection, of);
  }

  #begin(connection: number, of: StageToken): Promise<void> {
    this.#underWay = this.#sync(connection, of).finally(() => {
      this.#underWay = undefined;
      this.#lastMs = performance.now();
    });
    return this.#underWay;
  }

  async #sync(connection: number, of: StageToken): Promise<void> {
    const { continuity, scheduler, runner } = this.#run;
    const [epoch, generation, ranges] = [continuity.epoch, this.#generation, scheduler.atRisk(this.#file)];
    try {
      const staged = await runner.local.joined(connection, of);
      const [seen, isDurable] = await Promise.all([staged.look(), staged.sync()]);
      // What was begun anew meanwhile is another file.
      const isSame = epoch === continuity.epoch && generation === this.#generation;
      if (isDurable && isSame && runner.local.holds(connection, of)) {
        scheduler.synced(this.#file, ranges);
        this.#everyMs = Math.min(LONGEST_MS, this.#everyMs * 2);
        this.#seen = seen;
        this.#synced(seen);
      }
    } catch (error) {
      // A lost connection is dealt with where it is reported.
      const failure = CopyError.from(error);
      if (failure.scope === 'connection') return;
      if (failure.scope === 'file') this.refused();
      this.#failed(failure);
    }
  }
}
