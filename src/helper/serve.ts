/** Answers requests until there are no more. */
import type { Readable, Writable } from 'node:stream';
import { LineSplitter } from '../util/line-splitter.ts';
import {
  encodeAnswer,
  encodeGreeting,
  type HashAnswer,
  type HashFailure,
  type HashRequest,
  MAX_ANSWER_LENGTH,
  MAX_REQUEST_LENGTH,
  parseRequest,
} from './framing.ts';
import { HashError, hashRange } from './hash-range.ts';

/** While one is hashed, the others are read from the disk. */
const AT_ONCE = 4;
/** Nothing more is read while so many are waiting, in bytes of requests no more than a few MB. */
const MAX_WAITING = 1024;

/** Resolves when all is answered and the input has ended, when it was told to stop, or when nobody listens any more. */
export async function serve(input: Readable, output: Writable, version: string): Promise<void> {
  const lines = new LineSplitter(MAX_REQUEST_LENGTH);
  const hash = atMost(AT_ONCE, answerTo);
  const written: Promise<void>[] = [];
  let isOver = false;
  output.on('error', () => {
    isOver = true;
    // Which ends the loop that waits for it.
    input.destroy();
  });
  let last = write(output, encodeGreeting(version));
  try {
    for await (const chunk of input) {
      for (const line of lines.push(chunk as Buffer)) {
        const request = requestIn(line);
        if (request === 'stop') return;
        const answer = 'error' in request ? Promise.resolve(request) : hash(request);
        last = Promise.all([answer, last]).then(([whole]) => write(output, encodeAnswer(whole)));
        written.push(last);
        if (written.length > MAX_WAITING) await written.shift();
      }
    }
  } catch (error) {
    if (!isOver) throw error;
  }
  if (!isOver) await last;
}

function requestIn(line: Buffer | undefined): HashRequest | HashFailure | 'stop' {
  try {
    return parseRequest(line?.toString('latin1') ?? '');
  } catch (error) {
    return { error: 'EPROTO', message: (error as Error).message };
  }
}

async function answerTo({ path, algorithm, offset, length }: HashRequest): Promise<HashAnswer> {
  try {
    const { digest, bytes } = await hashRange(path, algorithm, offset, length);
    return { digest, bytes };
  } catch (error) {
    if (!(error instanceof HashError)) throw error;
    // The message names the path, which may be longer than an answer, and each character of it several bytes.
    return { error: error.code, message: error.message.slice(0, MAX_ANSWER_LENGTH / 8) };
  }
}

/** Resolves when there is room for more, or nobody reads any more. */
function write(output: Writable, text: string): Promise<void> {
  return new Promise((resolve) => output.write(text, () => resolve()));
}

/** `work`, of which no more than `count` are under way at a time. */
function atMost<T, R>(count: number, work: (task: T) => Promise<R>): (task: T) => Promise<R> {
  const waiting: (() => void)[] = [];
  let free = count;
  return async (task) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work(task);
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
