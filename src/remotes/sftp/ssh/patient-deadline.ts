/** A deadline for the other side that does not run while a person, an agent or another connection is waited for. */
export class PatientDeadline {
  private readonly ms: number;
  private readonly expired: () => void;
  private timer: NodeJS.Timeout | undefined;
  private holds = 0;
  private ended = false;

  /** `expired` is called at most once. */
  constructor(ms: number, expired: () => void) {
    this.ms = ms;
    this.expired = expired;
  }

  /** Starts the full time anew; while something is waited for, it starts when that has come. */
  restart(): void {
    clearTimeout(this.timer);
    if (this.ended || this.holds > 0) return;
    this.timer = setTimeout(() => {
      this.end();
      this.expired();
    }, this.ms);
  }

  /** The clock stands while `work` is under way; then the full time starts anew. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.holds++;
    clearTimeout(this.timer);
    try {
      return await work;
    } finally {
      this.holds--;
      this.restart();
    }
  }

  end(): void {
    this.ended = true;
    clearTimeout(this.timer);
  }
}
