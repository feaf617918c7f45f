import { createLogUpdate } from 'log-update';
import type { TransferEvent } from '../engine/events.ts';
import { type PlainOptions, PlainUi } from './plain.ts';
import { progressLine } from './progress-line.ts';
import type { EventOf } from './run-view.ts';

export interface TerminalOptions extends Omit<PlainOptions, 'errorStream' | 'progressEveryMs'> {
  readonly errorStream: NodeJS.WriteStream;
}

/** A progress line that is drawn over, with everything else above it. */
export class TerminalUi extends PlainUi {
  readonly #draw: ReturnType<typeof createLogUpdate>;
  readonly #stream: NodeJS.WriteStream;
  #line = '';
  #hasEnded = false;

  constructor(options: TerminalOptions) {
    super({ ...options, progressEveryMs: undefined });
    this.#stream = options.errorStream;
    this.#draw = createLogUpdate(options.errorStream);
  }

  override onEvent(event: TransferEvent): void {
    if (event.type === 'result') this.#end();
    super.onEvent(event);
    // Drawn early, so that something is seen while the first connection is made.
    if (event.type === 'plan' && !event.dryRun) this.#redraw();
  }

  override pause(): void {
    this.#clear();
    super.pause();
  }

  override resume(): void {
    super.resume();
    this.#redraw();
  }

  override close(): void {
    this.#end();
    super.close();
  }

  protected override print(line: string): void {
    if (this.#line === '' || this.paused) {
      super.print(line);
      return;
    }
    this.#clear();
    super.print(line);
    this.#redraw();
  }

  protected override list(line: string): void {
    this.#clear();
    super.list(line);
    this.#redraw();
  }

  protected override planLine(): undefined {
    return undefined;
  }

  protected override onProgress(_event: EventOf<'progress'>): void {
    this.#redraw();
  }

  #redraw(): void {
    if (this.#hasEnded || this.paused || this.view.plan === undefined || this.view.plan.dryRun) return;
    // One cell is left free: some terminals wrap after the last one.
    this.#line = progressLine(this.view, (this.#stream.columns || 80) - 1);
    this.#draw(this.#line);
  }

  #clear(): void {
    if (this.#line === '') return;
    this.#draw.clear();
    this.#line = '';
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#clear();
    this.#hasEnded = true;
    this.#draw.done();
  }
}
