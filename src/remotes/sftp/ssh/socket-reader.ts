/** Reads a socket into one buffer, so that reading allocates nothing and returns much at once. */
import type { OnReadOpts, Socket } from 'node:net';

/**
 * How much is read at once, in bytes. Node itself reads 64 KiB at a time, into new memory that V8 has to collect.
 */
const LENGTH = 256 * 1024;
/** What is left of that where a thread has many connections, because it reads each of them once in a turn. */
const SHORTEST = 64 * 1024;
/** Bytes of all buffers of a thread from which on new ones are shorter. */
const MANY_BYTES = 4 * 1024 * 1024;

/** Bytes of the buffers that are in use by this thread. */
let bytesInUse = 0;

/** Decides about what was read, where the owner of the socket knows how it is parsed. */
export interface ReadSplitter {
  /**
   * How many bytes, from the first one on, are to be emitted now. The others, which must leave room in the buffer, are
   * emitted together with what follows.
   */
  take(bytes: Buffer): number;
  /** Whether somebody may still use the bytes that were just emitted. */
  isInUse(bytes: Buffer): boolean;
}

/**
 * Emits as `data` what a socket receives. Without a splitter, listeners get a copy, which they may keep. With one, they
 * get the bytes where they lie, and these are overwritten by the next read, unless the splitter says that they are in
 * use.
 */
export class SocketReader {
  readonly options: OnReadOpts = {
    buffer: () => this.#room(),
    callback: (length) => {
      const isFull = this.#kept + length === this.#length;
      this.#onRead(length);
      // libuv would read the socket up to 32 times before it serves another one, and before what was written to the
      // disk gives its memory back.
      if (isFull) setImmediate(() => this.#continue());
      return !isFull;
    },
  };
  #socket: Socket | undefined;
  #splitter: ReadSplitter | undefined;
  readonly #length: number;
  #buffer: Buffer;
  /** How many bytes at the beginning of the buffer are not emitted yet. */
  #kept = 0;

  constructor() {
    this.#length = bytesInUse < MANY_BYTES ? LENGTH : SHORTEST;
    this.#buffer = Buffer.allocUnsafeSlow(this.#length);
  }

  /** To be called before the socket is read. */
  attach(socket: Socket): void {
    this.#socket = socket;
    bytesInUse += this.#length;
    socket.once('close', () => {
      bytesInUse -= this.#length;
    });
  }

  split(splitter: ReadSplitter): void {
    this.#splitter = splitter;
  }

  #continue(): void {
    if (this.#socket?.isPaused() === false) this.#socket.resume();
  }

  #room(): Buffer {
    return this.#buffer.subarray(this.#kept);
  }

  #onRead(length: number): void {
    const bytes = this.#buffer.subarray(0, this.#kept + length);
    const splitter = this.#splitter;
    if (splitter === undefined) {
      this.#socket?.emit('data', Buffer.from(bytes));
      return;
    }
    const taken = splitter.take(bytes);
    this.#kept = bytes.length - taken;
    if (taken === 0) return;
    const emitted = bytes.subarray(0, taken);
    this.#socket?.emit('data', emitted);
    if (splitter.isInUse(emitted)) this.#buffer = Buffer.allocUnsafeSlow(this.#length);
    this.#buffer.set(bytes.subarray(taken), 0);
  }
}
