/** Carries slices to an open file: several requests in flight, read from the source straight into their packets. */
import type { Fill, Range, Slices } from '../remote.ts';
import type { Flight, FlowWindow } from './flow-window.ts';
import { InFlightRequests } from './in-flight-requests.ts';
import type { SftpSession } from './session.ts';
import type { WriteRequest } from './session-write.ts';

/** Bytes that are filled by one read of the source. */
const MAX_BATCH = 1024 * 1024;

export class SliceWriter {
  readonly #session: SftpSession;
  readonly #window: FlowWindow;
  readonly #handle: Uint8Array;
  /** Settles when all that was taken before is sent, or will never be; it never rejects. */
  #earlier: Promise<void> = Promise.resolve();

  constructor(session: SftpSession, window: FlowWindow, handle: Uint8Array) {
    this.#session = session;
    this.#window = window;
    this.#handle = handle;
  }

  /**
   * Rejects with the first failure, when every request has its answer. Calls may overlap. Slices are sent in the order in
   * which they are taken, also those of different calls: some servers ignore offsets, and append what arrives.
   */
  async write(slices: Slices, fill: Fill, onAcknowledged: (part: Range) => void): Promise<void> {
    const inFlight = new InFlightRequests();
    const call = { fill, onAcknowledged, inFlight };
    try {
      while (!inFlight.hasFailed) {
        const room = await this.#window.room();
        if (inFlight.hasFailed) break;
        const length = this.#session.fittingWriteLength(this.#handle, this.#window.requestLength);
        const batch = Math.max(1, Math.floor(Math.min(room, MAX_BATCH) / length));
        const range = await slices.take(batch * length);
        if (range === undefined) break;
        const sent = this.#send(range, length, call, this.#earlier);
        this.#earlier = sent.catch(() => {});
        await sent;
      }
    } catch (error) {
      inFlight.fail(error);
    }
    await inFlight.landed();
  }

  async #send(range: Range, requestLength: number, call: Call, earlier: Promise<void>): Promise<void> {
    const end = range.offset + range.length;
    const parts: Part[] = [];
    for (let offset = range.offset; offset < end; offset += requestLength) {
      const length = Math.min(requestLength, end - offset);
      // What is being read counts as in flight already: others must not take its room meanwhile.
      const flight = this.#window.sent(length);
      parts.push({ offset, length, request: this.#session.allocateWrite(this.#handle, length), flight });
    }
    try {
      await call.fill(
        parts.flatMap(({ request }) => request.views),
        range.offset,
      );
    } catch (error) {
      this.#window.released(range.length);
      throw error;
    }
    await earlier;
    const answers = this.#session.sendWrites(parts);
    for (const [index, part] of parts.entries()) call.inFlight.add(this.#answered(part, answers[index]!, call));
  }

  async #answered({ flight, offset, length }: Part, answer: Promise<void>, call: Call): Promise<void> {
    try {
      await answer;
    } catch (error) {
      this.#window.released(length);
      call.inFlight.fail(error);
      return;
    }
    this.#window.acknowledged(flight);
    call.onAcknowledged({ offset, length });
  }
}

/** One call of {@link SliceWriter.write}. */
interface Call {
  readonly fill: Fill;
  readonly onAcknowledged: (part: Range) => void;
  readonly inFlight: InFlightRequests;
}

interface Part extends Range {
  readonly request: WriteRequest;
  readonly flight: Flight;
}
