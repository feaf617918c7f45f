import type { TransferEvent } from '../engine/events.ts';
import type { CopyErrorData } from '../errors.ts';

/** Where text goes: a stream, or what a test collects. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** One way to show a run. Every method returns at once. */
export interface Ui {
  /** Shows one event. The `result` event is the last and includes the failure, if there is one. */
  onEvent(event: TransferEvent): void;
  /** A line for people that is no event, such as that the run is stopping. */
  say(level: 'info' | 'warning', message: string): void;
  /** A failure outside the events; `cause` gives `-vv` its stack. */
  fail(error: CopyErrorData, cause?: unknown): void;
  /** Leaves the terminal to a question; what happens meanwhile is shown after {@link resume}. */
  pause(): void;
  resume(): void;
  /** Puts the terminal back; nothing is shown afterwards. */
  close(): void;
}
