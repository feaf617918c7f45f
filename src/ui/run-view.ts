import type { TransferEvent, TransferEventBody } from '../engine/events.ts';
import type { CopyErrorData } from '../errors.ts';

export type EventOf<T extends TransferEventBody['type']> = Extract<TransferEvent, { readonly type: T }>;

/** So many failures are shown one by one; the others are counted. */
export const MAX_SHOWN_FAILURES = 1000;

/** What a display has to remember of the events so far. */
export class RunView {
  plan: EventOf<'plan'> | undefined;
  progress: EventOf<'progress'> | undefined;
  /** The file job that began last. */
  file: EventOf<'file'> | undefined;
  /** Failures where one file job at most is planned: shown at the end, so that they are the last thing to be read. */
  readonly heldErrors: CopyErrorData[] = [];
  readonly #shown = new Set<string>();

  /** Takes the event in; displays look at the fields afterwards. */
  add(event: TransferEvent): void {
    switch (event.type) {
      case 'plan':
        this.plan = event;
        return;
      case 'progress':
        this.progress = event;
        return;
      case 'file':
        if (event.state !== 'skipped' && event.state !== 'would-remove') this.#addFile(event);
        return;
      case 'connection':
      case 'notice':
      case 'result':
        return;
      default:
        event satisfies never;
    }
  }

  /** Whether the run has more than one file job, so that lines must say which one they are about. */
  get several(): boolean {
    const { files = 1, isGrowing = false } = this.plan ?? {};
    return files > 1 || isGrowing;
  }

  /** Whether the failure of one more file is shown one by one. */
  get showsFailures(): boolean {
    return this.#shown.size < MAX_SHOWN_FAILURES;
  }

  /** True the first time it is asked for this failure: events and result may tell of the same one. */
  isNew(error: CopyErrorData): boolean {
    const key = `${error.code} ${error.message}`;
    if (this.#shown.has(key)) return false;
    this.#shown.add(key);
    return true;
  }

  #addFile(event: EventOf<'file'>): void {
    this.file = event;
    if (event.state === 'failed' && event.error && !this.several) this.heldErrors.push(event.error);
  }
}
