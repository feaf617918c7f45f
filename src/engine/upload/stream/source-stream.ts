/**
 * A source that is read once, from its beginning to its end, because its size says nothing about its length. Its slices
 * are handed out as they are read, and end with the source.
 *
 * What can go wrong: the source cannot be read any further, changes, or never ends; the run is over. Each is the error
 * of the next {@link SourceStream.take}.
 */
import { read } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CopyError } from '../../../errors.ts';
import type { Fill, Range, Slices } from '../../../remotes/remote.ts';
import { formatSize } from '../../../util/format-size.ts';
import { systemErrorText } from '../../../util/system-error.ts';
import { type Counters, LIMIT_POLL_MS } from '../../runner/counters.ts';
import { readsOf } from '../../runner/descriptor-reads.ts';
import type { StreamDigests } from './stream-digests.ts';

const readOn = promisify(read);
/** The most bytes of a source, because one without a size may never end. */
const MAX_STREAM_LENGTH: number = 64 * 1024 ** 3;

export interface SourceStreamOptions {
  /** For messages. */
  readonly name: string;
  /** The descriptor, positioned at the beginning of the source; nothing else moves its position. */
  readonly fd: number;
  /** Undefined: nothing is to be hashed. */
  readonly digests: StreamDigests | undefined;
  readonly counters: Counters;
  /** What is taken counts as in flight on this connection. */
  readonly connection: number;
  /** Returns why nothing more is to be read; undefined: reading may continue. */
  readonly failure: () => CopyError | undefined;
  /** Bytes; default {@link MAX_STREAM_LENGTH}. */
  readonly maxLength?: number;
}

export class SourceStream implements Slices {
  readonly #options: SourceStreamOptions;
  /** Slices that were taken and not filled. */
  readonly #slices: Set<{ readonly offset: number; readonly bytes: Buffer }> = new Set();
  #length = 0;

  constructor(options: SourceStreamOptions) {
    this.#options = options;
  }

  /** Bytes that were taken. After the last slice, this is the length of the source. */
  get length(): number {
    return this.#length;
  }

  async take(maxLength: number): Promise<Range | undefined> {
    const { name, digests, counters, connection, maxLength: longest = MAX_STREAM_LENGTH } = this.#options;
    const bytes = await this.#read(maxLength);
    if (bytes.length === 0) return undefined;
    const offset = this.#length;
    if (offset + bytes.length > longest) {
      throw new CopyError(
        'source-unsupported',
        `${name} has no size, and has not ended after ${formatSize(longest)}.`,
        {
          advice: 'If it ends at all, copy it to an ordinary file first.',
        },
      );
    }
    while (!counters.tryTake(bytes.length)) {
      await sleep(LIMIT_POLL_MS);
      this.#checkFailure();
    }
    digests?.update(bytes);
    this.#slices.add({ offset, bytes });
    this.#length += bytes.length;
    counters.addInFlight(connection, bytes.length);
    return { offset, length: bytes.length };
  }

  /** Fills views with the bytes of slices that were taken. Each byte can be filled once. */
  readonly fill: Fill = async (views, offset) => {
    let at = offset;
    for (const view of views) {
      for (let filled = 0; filled < view.length; ) {
        const copied = this.#copy(view.subarray(filled), at);
        filled += copied;
        at += copied;
      }
    }
  };

  #copy(view: Uint8Array, offset: number): number {
    for (const slice of this.#slices) {
      const end = slice.offset + slice.bytes.length;
      if (offset < slice.offset || offset >= end) continue;
      const copied = slice.bytes.copy(view, 0, offset - slice.offset);
      if (offset + copied === end) this.#slices.delete(slice);
      return copied;
    }
    throw new CopyError('bug', `The byte at ${offset} of a stream is filled without having been taken.`);
  }

  /** Reads `maxLength` bytes, or fewer at the end of the source. */
  async #read(maxLength: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(maxLength);
    let length = 0;
    while (length < maxLength) {
      this.#checkFailure();
      const bytesRead = await this.#readSome(buffer, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  }

  async #readSome(buffer: Buffer, length: number): Promise<number> {
    const { fd, name } = this.#options;
    const reading = async (): Promise<number> => {
      return (await readOn(fd, buffer, length, buffer.length - length, null)).bytesRead;
    };
    const reads = readsOf(fd);
    try {
      return await (reads === undefined ? reading() : reads.during(reading));
    } catch (error) {
      if (error instanceof CopyError) throw error;
      throw new CopyError('source-unreadable', `${name} cannot be read to its end: ${systemErrorText(error)}.`, {
        cause: error,
        advice: 'Copy what can be read of it to an ordinary file first.',
      });
    }
  }

  #checkFailure(): void {
    const failure = this.#options.failure();
    if (failure !== undefined) throw failure;
  }
}
