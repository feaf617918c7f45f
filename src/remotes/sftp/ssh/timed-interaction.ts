import type { Interaction } from './interaction.ts';

/**
 * Measures how long the user takes to answer, so that this time is not counted as time of the transfer. Overlapping
 * questions count once.
 */
export class TimedInteraction {
  readonly interaction: Interaction;
  #waitedMs = 0;
  #asking = 0;
  #sinceMs = 0;

  constructor(interaction: Interaction) {
    this.interaction = {
      secret: (prompt, problem) => this.#during(interaction.secret(prompt, problem)),
      trustHostKey: (question) => this.#during(interaction.trustHostKey(question)),
      during: (work) => this.#during(interaction.during?.(work) ?? work),
    };
  }

  /** The milliseconds so far, including those of questions that are not answered yet. */
  get waitedMs(): number {
    return this.#waitedMs + (this.#asking > 0 ? performance.now() - this.#sinceMs : 0);
  }

  async #during<T>(answer: Promise<T>): Promise<T> {
    if (this.#asking++ === 0) this.#sinceMs = performance.now();
    try {
      return await answer;
    } finally {
      if (--this.#asking === 0) this.#waitedMs += performance.now() - this.#sinceMs;
    }
  }
}
