/** Questions on the controlling terminal, which is there even when stdin and stdout are redirected. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';

/** Asks one question; undefined if nobody answers. Stops early when `signal` is aborted. */
export type Ask = (prompt: string, echo: boolean, signal: AbortSignal) => Promise<string | undefined>;

const terminalPath = process.platform === 'win32' ? undefined : '/dev/tty';

/** Whether there is a terminal to ask on. */
export function hasTerminal(): boolean {
  if (terminalPath === undefined) return process.stdin.isTTY === true && process.stderr.isTTY === true;
  try {
    closeSync(openSync(terminalPath, 'r+'));
    return true;
  } catch {
    return false;
  }
}

/** Asks on the terminal. Without `echo` what is typed is not shown. Ctrl-C interrupts the program as anywhere else. */
export const askTerminal: Ask = async (prompt, echo, signal) => {
  if (signal.aborted) return undefined;
  const fd = terminalPath === undefined ? undefined : openSync(terminalPath, 'r+');
  const input = fd === undefined ? process.stdin : new ReadStream(fd);
  const write = (text: string) => {
    if (fd === undefined) process.stderr.write(text);
    else writeSync(fd, text);
  };
  // With echo the terminal edits the line itself; without, it has to be raw, and Ctrl-C comes as a byte. It is so
  // before the prompt is there: whoever sees that may answer at once.
  if (!echo) input.setRawMode(true);
  try {
    write(prompt);
    const line = await readLine(input, signal);
    if (!echo || line === undefined) write('\n');
    return line;
  } finally {
    if (!echo) input.setRawMode(false);
    if (fd === undefined) input.pause();
    else input.destroy();
  }
};

function readLine(input: ReadStream, signal: AbortSignal): Promise<string | undefined> {
  const editor = new LineEditor();
  return new Promise((resolve) => {
    const finish = (line: string | undefined) => {
      input.off('data', onData).off('end', onEnd).off('error', onEnd);
      signal.removeEventListener('abort', onEnd);
      resolve(line);
    };
    const onEnd = () => finish(undefined);
    const onData = (bytes: Buffer) => {
      const done = editor.add(bytes);
      if (done === 'interrupted') process.kill(process.pid, 'SIGINT');
      if (done !== undefined) finish(done === 'entered' ? editor.text : undefined);
    };
    input.on('data', onData).on('end', onEnd).on('error', onEnd);
    signal.addEventListener('abort', onEnd);
  });
}

/** Puts a line together from what a raw terminal sends. */
export class LineEditor {
  #bytes: number[] = [];

  get text(): string {
    return Buffer.from(this.#bytes).toString('utf8');
  }

  /** Takes bytes up to the end of the line; what follows it is dropped. Undefined: the line is not over. */
  add(bytes: Uint8Array): 'entered' | 'ended' | 'interrupted' | undefined {
    for (const byte of bytes) {
      if (byte === 0x0d || byte === 0x0a) return 'entered';
      if (byte === 0x03) return 'interrupted';
      if (byte === 0x04 && this.#bytes.length === 0) return 'ended';
      if (byte === 0x15) this.#bytes = [];
      else if (byte === 0x7f || byte === 0x08) this.#removeLast();
      else if (byte >= 0x20) this.#bytes.push(byte);
    }
    return undefined;
  }

  #removeLast(): void {
    // A character of UTF-8: its trailing bytes, then the first.
    while (((this.#bytes.pop() ?? 0) & 0xc0) === 0x80);
  }
}
