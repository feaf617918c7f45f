/** Writes slices to an open file with several requests in flight. */
import type { Fill, Range, Slices } from '../remote.ts';
import type { Flight, FlowWindow } from './flow-window.ts';
import { InFlightRequests } from './in-flight-requests.ts';
import type { SftpSession } from './session.ts';
import type { WriteRequest } from './session-write.ts';

/** The most bytes that are filled by one read of the source. */
const MAX_BATCH = 1024 * 1024;

/**
 * Writes slices to an open file with several requests in flight. Data is read from the source directly into the
 * packets.
 *
 * A write can fail on the server, in `slices` or in `fill`. Its call then rejects, but only when all its requests are
 * answered. Slices are sent in the order in which they are taken, also those of different calls, because some servers
 * ignore offsets and append what arrives.
 */
export class SliceWriter {
  readonly #session: SftpSession;
  readonly #window: FlowWindow;
  readonly #handle: Uint8Array;
  /** Settles when everything that was taken before is sent or has failed. Never rejects. */
  #earlier: Promise<void> = Promise.resolve();

  constructor(session: SftpSession, window: FlowWindow, handle: Uint8Array) {
    this.#session = session;
    this.#window = window;
    this.#handle = handle;
  }

  /** See `Staged.write`. Calls may overlap. */
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
    await inFlight.allSettled();
  }

  /**
   * Writes `bytes` as the content of the file. Resolves when all of it is sent, or a write has failed, with the
   * requests in flight, so that what has to follow the bytes can be sent without waiting for their answers.
   */
  async sendWhole(bytes: Uint8Array): Promise<InFlightRequests> {
    const inFlight = new InFlightRequests();
    const call = { fill: copyOf(bytes), onAcknowledged: () => {}, inFlight };
    for (let offset = 0; offset < bytes.length && !inFlight.hasFailed; ) {
      const rest = bytes.length - offset;
      await this.#window.inTurn(rest, (room) => {
        const requestLength = this.#session.fittingWriteLength(this.#handle, this.#window.requestLength);
        const length = Math.min(rest, Math.max(1, Math.floor(room / requestLength)) * requestLength);
        this.#earlier = this.#send({ offset, length }, requestLength, call, this.#earlier).catch((error: unknown) =>
          inFlight.fail(error),
        );
        offset += length;
      });
      await this.#earlier;
    }
    return inFlight;
  }

  async #send(range: Range, requestLength: number, call: Call, earlier: Promise<void>): Promise<void> {
    const end = range.offset + range.length;
    const parts: Part[] = [];
    for (let offset = range.offset; offset < end; offset += requestLength) {
      const length = Math.min(requestLength, end - offset);
      // Bytes count as in flight already while they are read, so that other calls do not use their room.
      const flight = this.#window.onSent(length);
      parts.push({ offset, length, request: this.#session.allocateWrite(this.#handle, length), flight });
    }
    try {
      await call.fill(
        parts.flatMap(({ request }) => request.views),
        range.offset,
      );
    } catch (error) {
      this.#window.release(range.length);
      throw error;
    }
    await earlier;
    const answers = this.#session.sendWrites(parts);
    for (const [index, part] of parts.entries()) call.inFlight.add(this.#awaitAnswer(part, answers[index]!, call));
  }

  async #awaitAnswer({ flight, offset, length }: Part, answer: Promise<void>, call: Call): Promise<void> {
    try {
      await answer;
    } catch (error) {
      this.#window.release(length);
      call.inFlight.fail(error);
      return;
    }
    this.#window.onAcknowledged(flight);
    call.onAcknowledged({ offset, length });
  }
}

function copyOf(bytes: Uint8Array): Fill {
  return async (views, offset) => {
    let next = offset;
    for (const view of views) {
      view.set(bytes.subarray(next, next + view.length));
      next += view.length;
    }
  };
}

/** One call of {@link SliceWriter}. */
interface Call {
  readonly fill: Fill;
  readonly onAcknowledged: (part: Range) => void;
  readonly inFlight: InFlightRequests;
}

interface Part extends Range {
  readonly request: WriteRequest;
  readonly flight: Flight;
}
