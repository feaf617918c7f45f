import type { TransferEvent } from '../engine/events.ts';
import type { CopyErrorData } from '../errors.ts';
import {
  connectionLine,
  failureLines,
  fileLine,
  isListed,
  type LineOptions,
  listingLine,
  noticeLine,
  sizeText,
} from './event-lines.ts';
import { filesText } from './files-text.ts';
import { progressLine } from './progress-line.ts';
import { renderError } from './render-error.ts';
import { type EventOf, RunView } from './run-view.ts';
import { showBaseName, showName } from './show-name.ts';
import { summaryLine } from './summary.ts';
import type { TextStream, Ui } from './ui.ts';

export interface PlainOptions extends LineOptions {
  /** For people. */
  readonly errorStream: TextStream;
  /** For listings. */
  readonly outputStream: TextStream;
  /** Between two progress lines; undefined: none. */
  readonly progressEveryMs: number | undefined;
}

/** Lines and nothing but lines: for logs and pipes. */
export class PlainUi implements Ui {
  readonly view: RunView = new RunView();
  readonly options: PlainOptions;
  #paused = false;
  #held: string[] = [];
  #progressAtMs: number | undefined;

  constructor(options: PlainOptions) {
    this.options = options;
  }

  onEvent(event: TransferEvent): void {
    this.view.add(event);
    for (const line of this.#lines(event)) this.print(line);
    if (event.type === 'file' && isListed(event)) this.list(listingLine(event));
    if (event.type === 'progress') this.onProgress(event);
  }

  say(level: 'info' | 'warning', message: string): void {
    this.print(noticeLine(level, message, this.options.paint));
  }

  fail(error: CopyErrorData, cause?: unknown): void {
    this.print(
      renderError(this.options.program, error, this.options.paint, this.options.verbose > 1 ? cause : undefined),
    );
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const line of this.#held.splice(0)) this.print(line);
  }

  close(): void {
    this.resume();
  }

  /** Whether a question has the terminal. */
  get paused(): boolean {
    return this.#paused;
  }

  /** One line to people, now or after the question that is on the terminal. */
  protected print(line: string): void {
    if (this.#paused) this.#held.push(line);
    else this.options.errorStream.write(`${line}\n`);
  }

  protected list(line: string): void {
    this.options.outputStream.write(`${line}\n`);
  }

  protected onProgress(event: EventOf<'progress'>): void {
    const every = this.options.progressEveryMs;
    if (every === undefined) return;
    this.#progressAtMs ??= event.atMs;
    if (event.atMs - this.#progressAtMs < every) return;
    this.#progressAtMs = event.atMs;
    this.print(progressLine(this.view));
  }

  /** What is said of the plan; nothing where the progress line says it. */
  protected planLine(event: EventOf<'plan'>): string | undefined {
    // Where no source can be copied, their failures say all there is to say.
    if (event.dryRun || event.isGrowing || (event.files === 0 && event.isTotalKnown !== false)) return undefined;
    const what = event.files === 1 && this.view.file ? showBaseName(this.view.file.source) : filesText(event.files);
    const connections = `${event.connections} connection${event.connections === 1 ? '' : 's'}`;
    return `${what}, ${sizeText(event.bytes, event.isTotalKnown)}, to ${showName(event.destination)} over ${event.connections > 1 ? 'up to ' : ''}${connections}`;
  }

  /** What is said of what was done. */
  protected summary(event: EventOf<'result'>): string | undefined {
    const line = summaryLine(this.view, event);
    return line && this.options.paint(event.exitCode === 0 ? 'green' : 'yellow', line);
  }

  #lines(event: TransferEvent): string[] {
    const { options, view } = this;
    switch (event.type) {
      case 'plan':
        return defined(this.planLine(event));
      case 'notice':
        return this.#noticeLines(event);
      case 'connection':
        return defined(connectionLine(event, options));
      case 'file':
        return defined(fileLine(event, view, options));
      case 'progress':
        // Shown by onProgress, as a line that may be drawn over.
        return [];
      case 'result':
        return [...defined(this.summary(event)), ...failureLines(event, view, options)];
      default:
        return event satisfies never;
    }
  }

  #noticeLines({ level, message }: EventOf<'notice'>): string[] {
    const { paint, verbose } = this.options;
    if (level !== 'detail') return [noticeLine(level, message, paint)];
    return verbose > 0 ? [paint('dim', noticeLine('info', message, paint))] : [];
  }
}

function defined(line: string | undefined): string[] {
  return line === undefined ? [] : [line];
}
