/** Reads slices of an open file with several requests in flight. */
import { CopyError } from '../../errors.ts';
import type { Drain, Range, Slices } from '../remote.ts';
import type { FlowWindow } from './flow-window.ts';
import { InFlightRequests } from './in-flight-requests.ts';
import type { SftpSession } from './session.ts';

/** A call of {@link SliceReader.requestWhole}. */
export interface WholeReading {
  /** Resolves when all bytes are there; rejects with the first failure when no request is in flight any more. */
  readonly answered: Promise<void>;
  /** Whether the server returned less than it was asked for, so that the rest was asked for again. */
  readonly hadShortAnswers: () => boolean;
}

/**
 * Reads slices of an open file with several requests in flight, and drains each answer without copying it.
 *
 * Bytes count as in flight until they are drained, so that a slow disk limits how much is requested. A read can fail on
 * the server, in `slices`, in `drain`, or because the file is shorter than expected. Its call then rejects, but only
 * when all requests are answered and all drains have settled.
 */
export class SliceReader {
  readonly #session: Pick<SftpSession, 'read' | 'recycle'>;
  readonly #window: FlowWindow;
  readonly #handle: Uint8Array;
  readonly #earlyEnd: () => CopyError;
  readonly #calls: Set<InFlightRequests> = new Set();
  #ended: CopyError | undefined;

  /** @param earlyEnd makes the error for a file that ends before a slice does */
  constructor(
    session: Pick<SftpSession, 'read' | 'recycle'>,
    window: FlowWindow,
    handle: Uint8Array,
    earlyEnd: () => CopyError,
  ) {
    this.#session = session;
    this.#window = window;
    this.#handle = handle;
    this.#earlyEnd = earlyEnd;
  }

  /** See `RemoteFile.read`. Calls may overlap. */
  async read(slices: Slices, drain: Drain): Promise<void> {
    const inFlight = new InFlightRequests();
    if (this.#ended !== undefined) inFlight.fail(this.#ended);
    this.#calls.add(inFlight);
    try {
      while (!inFlight.hasFailed) {
        await this.#window.room();
        if (inFlight.hasFailed) break;
        const range = await slices.take(this.#window.requestLength);
        if (range === undefined) break;
        inFlight.add(this.#readSlice(range, drain, inFlight));
      }
    } catch (error) {
      inFlight.fail(error);
    }
    await inFlight.allSettled().finally(() => this.#calls.delete(inFlight));
  }

  /**
   * Reads the first bytes of the file into `target`. Resolves when all of them are requested, or a read has failed, so
   * that what has to follow them can be sent without waiting for their answers.
   */
  async requestWhole(target: Uint8Array): Promise<WholeReading> {
    const inFlight = new InFlightRequests();
    if (this.#ended !== undefined) inFlight.fail(this.#ended);
    this.#calls.add(inFlight);
    let [requests, answers] = [0, 0];
    const drain: Drain = async ([data], offset) => {
      target.set(data!, offset);
      answers++;
    };
    for (let offset = 0; offset < target.length && !inFlight.hasFailed; ) {
      const rest = target.length - offset;
      await this.#window.inTurn(rest, () => {
        const length = Math.min(rest, this.#window.requestLength);
        inFlight.add(this.#readSlice({ offset, length }, drain, inFlight));
        offset += length;
        requests++;
      });
    }
    const answered = inFlight.allSettled().finally(() => this.#calls.delete(inFlight));
    // Its failure is seen by whoever waits for it.
    answered.catch(() => {});
    return { answered, hadShortAnswers: () => answers > requests };
  }

  /**
   * Fails the calls in progress. Resolves when no request for the handle is in flight any more. The handle must not be
   * closed before, because the server may reuse it for the next file, which late requests would read.
   */
  async end(): Promise<void> {
    this.#ended ??= new CopyError('bug', 'A file was closed while it was read.');
    for (const inFlight of this.#calls) inFlight.fail(this.#ended);
    await Promise.allSettled([...this.#calls].map((inFlight) => inFlight.allSettled()));
  }

  async #readSlice({ offset, length }: Range, drain: Drain, inFlight: InFlightRequests): Promise<void> {
    const flight = this.#window.onSent(length);
    const end = offset + length;
    let next = offset;
    try {
      // A server may return less than it is asked for. The parts are requested one after another, because each keeps
      // the whole received chunk in memory.
      while (next < end && !inFlight.hasFailed) {
        const data = await this.#session.read(this.#handle, next, end - next);
        if (data === 'eof') throw this.#earlyEnd();
        const { length } = data;
        await drain([data], next);
        this.#session.recycle(data);
        next += length;
      }
    } catch (error) {
      inFlight.fail(error);
    }
    if (next === end) this.#window.onAcknowledged(flight);
    else this.#window.release(length);
  }
}
