import { createReadStream } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import { CopyError } from '../errors.ts';
import { bytesFromText } from '../util/bytes-text.ts';
import { cleanText } from '../util/clean-text.ts';
import { systemErrorCode, systemErrorText } from '../util/system-error.ts';

/** A list of ten million paths. What is longer is no list, such as a device that never ends. */
const MAX_BYTES = 1 << 30;

/** What tests may replace. */
export interface ListSource {
  readonly standardInput: () => Readable;
  readonly maxBytes: number;
}

/**
 * The contents of the file that `--files-from` names; `-` is standard input.
 * @throws {CopyError} `source-missing`, `source-unreadable`: it is not there, or cannot be read; `usage`: it is longer
 *   than 1 GiB; the reason of `signal`: the run is to stop
 */
export async function readFilesFrom(
  name: string,
  signal: AbortSignal,
  { standardInput, maxBytes }: ListSource = { standardInput: () => process.stdin, maxBytes: MAX_BYTES },
): Promise<Buffer> {
  signal.throwIfAborted();
  const stream = name === '-' ? standardInput() : createReadStream(bytesFromText(name));
  const shown = name === '-' ? 'standard input' : cleanText(bytesFromText(name));
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of addAbortSignal(signal, stream)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxBytes) throw new CopyError('usage', `The list in ${shown} is too long.`);
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof CopyError) throw error;
    if (systemErrorCode(error) === 'ENOENT') {
      throw new CopyError('source-missing', `The list ${shown} does not exist.`, {
        advice: 'Check what --files-from names.',
        cause: error,
      });
    }
    throw new CopyError('source-unreadable', `The list ${shown} cannot be read: ${systemErrorText(error)}.`, {
      advice: 'Check what --files-from names, and its permissions.',
      cause: error,
    });
  }
  return Buffer.concat(chunks);
}
