/** What one task has carried so far; gathered for a while before it is told, as messages cost more than bytes. */
import type { Range } from '../../remotes/remote.ts';
import { RangeSet } from '../../util/range-set.ts';

/** How long carried parts are gathered before they are told. */
const TELL_EVERY_MS = 50;

export class TaskProgress {
  readonly #tell: (parts: readonly Range[]) => void;
  readonly #fresh = new RangeSet();
  #timer: NodeJS.Timeout | undefined;
  #total = 0;

  constructor(tell: (parts: readonly Range[]) => void) {
    this.#tell = tell;
  }

  /** Bytes, told or not. */
  get total(): number {
    return this.#total;
  }

  add(part: Range): void {
    this.#total += part.length;
    this.#fresh.add(part);
    this.#timer ??= setTimeout(() => this.flush(), TELL_EVERY_MS);
  }

  /** Tells what was not told yet, if there is anything. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const parts = [...this.#fresh];
    for (const part of parts) this.#fresh.remove(part);
    if (parts.length > 0) this.#tell(parts);
  }
}
