/** The input and output of a child process as one stream. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { Duplex } from 'node:stream';

/** Whether a child that was just spawned has streams: there are none where too many files are open. */
export function hasStreams(child: ChildProcessWithoutNullStreams): boolean {
  return (child.stdin as unknown) !== undefined;
}

/** Called when the child has ended and all its output was read; returns the error that its end amounts to, if any. */
export type OnChildEnd = (status: number | null, signal: NodeJS.Signals | null) => Error | undefined;

/**
 * What is written goes to the input of a child, and what is read comes from its output. The stream ends when the child
 * does. When the stream is destroyed, the child is told to end.
 */
export class ChildStream extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;

  constructor(child: ChildProcessWithoutNullStreams, onChildEnd: OnChildEnd) {
    super();
    this.#child = child;
    child.stdout.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) child.stdout.pause();
    });
    // What was not written is lost with the child; how it ended tells more.
    child.stdin.on('error', () => {});
    // An error after the start is followed by the end.
    child.on('error', () => {});
    child.on('close', (status, signal) => {
      const error = onChildEnd(status, signal);
      if (error === undefined) this.push(null);
      else this.destroy(error);
    });
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: string, onTaken: (error?: Error | null) => void): void {
    this.#child.stdin.write(chunk, (error) => {
      if (!error) onTaken();
    });
  }

  override _writev(chunks: { readonly chunk: Buffer }[], onTaken: (error?: Error | null) => void): void {
    const { stdin } = this.#child;
    stdin.cork();
    for (const { chunk } of chunks.slice(0, -1)) stdin.write(chunk);
    this._write(chunks.at(-1)!.chunk, '', onTaken);
    stdin.uncork();
  }

  override _final(onEnded: () => void): void {
    this.#child.stdin.end(() => onEnded());
  }

  override _destroy(error: Error | null, onDestroyed: (error: Error | null) => void): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
    this.#child.kill('SIGHUP');
    onDestroyed(error);
  }
}
