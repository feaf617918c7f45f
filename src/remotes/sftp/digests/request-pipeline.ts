/** Sends requests without waiting for the answers to those before, and matches each line of an answer with its request. */
import type { CopyError } from '../../../errors.ts';
import { type Deferred, deferred } from '../../../util/deferred.ts';
import { MAX_TIMER_MS } from '../../../util/max-timer.ts';

/** How many requests may be without an answer, so that little is written at a time, however much is asked for. */
const MAX_IN_FLIGHT = 256;

interface Call extends Deferred<readonly string[]> {
  readonly requests: readonly Uint8Array[];
  readonly timeoutMs: number;
  readonly lines: string[];
  sent: number;
}

/**
 * The calls of a session with a program that answers each request with one line, in order.
 *
 * Calls are queued. Requests are written in order, also those of different calls, and all that may be in flight are
 * written together. The program can answer late, which is reported, or without a request, which {@link answer} tells.
 * The pipeline does not recover from either: the caller ends it, and with it all calls. The time of a call begins when
 * the call before it has ended, because the program works on one request at a time.
 */
export class RequestPipeline {
  readonly #write: (requests: Buffer) => void;
  readonly #onLate: () => void;
  /** The calls whose answers are not complete, oldest first. */
  readonly #calls: Call[] = [];
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param onLate called when the time of the oldest call is over */
  constructor(write: (requests: Buffer) => void, onLate: () => void) {
    this.#write = write;
    this.#onLate = onLate;
  }

  /**
   * Resolves with the line that answers each request; rejects when the pipeline is ended before.
   * @param requests at least one. An empty one awaits a line without asking for it
   */
  ask(requests: readonly Uint8Array[], timeoutMs: number): Promise<readonly string[]> {
    const call: Call = { ...deferred<readonly string[]>(), requests, timeoutMs, lines: [], sent: 0 };
    this.#calls.push(call);
    if (this.#calls.length === 1) this.#restartTimer();
    this.#send();
    return call.promise;
  }

  /** Gives the line to the oldest request without an answer. Returns false where there is none. */
  answer(line: string): boolean {
    const [call] = this.#calls;
    if (call === undefined || call.lines.length === call.sent) return false;
    call.lines.push(line);
    this.#inFlight--;
    if (call.lines.length === call.requests.length) {
      this.#calls.shift();
      this.#restartTimer();
      call.resolve(call.lines);
    }
    this.#send();
    return true;
  }

  /** Rejects all calls. Nothing may be asked afterwards. */
  end(error: CopyError): void {
    clearTimeout(this.#timer);
    for (const call of this.#calls.splice(0)) call.reject(error);
  }

  #send(): void {
    const batch: Uint8Array[] = [];
    for (const call of this.#calls) {
      const room = MAX_IN_FLIGHT - this.#inFlight;
      const next = call.requests.slice(call.sent, call.sent + room);
      call.sent += next.length;
      this.#inFlight += next.length;
      batch.push(...next);
      if (this.#inFlight === MAX_IN_FLIGHT) break;
    }
    const bytes = Buffer.concat(batch);
    if (bytes.length > 0) this.#write(bytes);
  }

  /** Starts the time of the call that is answered next. */
  #restartTimer(): void {
    clearTimeout(this.#timer);
    const [first] = this.#calls;
    if (first === undefined) return;
    this.#timer = setTimeout(this.#onLate, Math.min(first.timeoutMs, MAX_TIMER_MS));
  }
}
