/** Reads slices of an open file: several requests in flight, each answer drained from where it was received. */
import { CopyError } from '../../errors.ts';
import type { Drain, Range, Slices } from '../remote.ts';
import type { FlowWindow } from './flow-window.ts';
import { InFlightRequests } from './in-flight-requests.ts';
import type { SftpSession } from './session.ts';

export class SliceReader {
  readonly #session: Pick<SftpSession, 'read'>;
  readonly #window: FlowWindow;
  readonly #handle: Uint8Array;
  readonly #endedEarly: () => CopyError;
  readonly #calls: Set<InFlightRequests> = new Set();
  #ended: CopyError | undefined;

  /** `endedEarly`: what it means that the file ends before a slice does. */
  constructor(session: Pick<SftpSession, 'read'>, window: FlowWindow, handle: Uint8Array, endedEarly: () => CopyError) {
    this.#session = session;
    this.#window = window;
    this.#handle = handle;
    this.#endedEarly = endedEarly;
  }

  /** Rejects with the first failure, when every request has its answer and all are drained. Calls may overlap. */
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
        inFlight.add(this.#carry(range, drain, inFlight));
      }
    } catch (error) {
      inFlight.fail(error);
    }
    await inFlight.landed().finally(() => this.#calls.delete(inFlight));
  }

  /**
   * Fails the calls under way; resolves when nothing will be asked of the handle any more. Only then may it be closed:
   * the server may give the same handle to the next file, and what is late would read that.
   */
  async end(): Promise<void> {
    this.#ended ??= new CopyError('bug', 'A file was closed while it was read.');
    for (const inFlight of this.#calls) inFlight.fail(this.#ended);
    await Promise.allSettled([...this.#calls].map((inFlight) => inFlight.landed()));
  }

  async #carry({ offset, length }: Range, drain: Drain, inFlight: InFlightRequests): Promise<void> {
    // Until it is drained it counts as in flight: a slow disk must not pile up what the line brings.
    const flight = this.#window.sent(length);
    const end = offset + length;
    let next = offset;
    try {
      // A server may give less than it is asked for. One part after another: each holds the whole chunk it came in.
      while (next < end && !inFlight.hasFailed) {
        const data = await this.#session.read(this.#handle, next, end - next);
        if (data === 'eof') throw this.#endedEarly();
        await drain([data], next);
        next += data.length;
      }
    } catch (error) {
      inFlight.fail(error);
    }
    if (next === end) this.#window.acknowledged(flight);
    else this.#window.released(length);
  }
}
