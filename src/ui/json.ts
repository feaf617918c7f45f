import type { TransferEvent } from '../engine/events.ts';
import type { CopyErrorData } from '../errors.ts';
import { unsafeText } from '../util/clean-text.ts';
import { isListed } from './event-lines.ts';
import type { TextStream, Ui } from './ui.ts';

/** Every event as one line of JSON on stdout. What people read goes to `people`, on stderr. */
export class JsonUi implements Ui {
  readonly #output: TextStream;
  readonly #people: Ui;

  constructor(output: TextStream, people: Ui) {
    this.#output = output;
    this.#people = people;
  }

  onEvent(event: TransferEvent): void {
    this.#output.write(`${toJsonLine(event)}\n`);
    // A listing on stdout would be no JSON.
    if (event.type !== 'file' || !isListed(event)) this.#people.onEvent(event);
  }

  say(level: 'info' | 'warning', message: string): void {
    this.#people.say(level, message);
  }

  fail(error: CopyErrorData, cause?: unknown): void {
    this.#people.fail(error, cause);
  }

  pause(): void {
    this.#people.pause();
  }

  resume(): void {
    this.#people.resume();
  }

  close(): void {
    this.#people.close();
  }
}

/**
 * JSON that is safe to look at: what a terminal would obey, and bidirectional and invisible characters, are escaped.
 * Bytes of a path that are not UTF-8 appear as `\udc80` to `\udcff`.
 */
export function toJsonLine(value: unknown): string {
  return JSON.stringify(value).replace(unsafeText, (character) =>
    [...Array(character.length).keys()]
      .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
