import { readFileSync } from 'node:fs';
import { textFromBytes } from '../util/bytes-text.ts';

/** Where the arguments come from; tests give their own. */
export interface ArgumentSource {
  /** As `process.argv`: two entries, then the arguments. */
  readonly argv: readonly string[];
  /** The raw command line, every entry ended by NUL; undefined or throwing where the system has none. */
  readonly commandLine: () => Uint8Array | undefined;
}

const thisProcess: ArgumentSource = {
  argv: process.argv,
  commandLine: () => (process.platform === 'linux' ? readFileSync('/proc/self/cmdline') : undefined),
};

/**
 * The arguments of the program. Node decodes them as UTF-8 and loses what is not; on Linux such arguments are taken
 * from the kernel instead, as text from which `bytesFromText` makes the bytes again.
 */
export function rawArguments(source: ArgumentSource = thisProcess): string[] {
  const decoded = source.argv.slice(2);
  if (!decoded.some((argument) => argument.includes('\uFFFD'))) return decoded;
  const raw = rawEntries(source, decoded.length);
  // An entry that does not decode to what Node saw is from elsewhere (a changed title): then none can be relied on.
  if (raw === undefined || !raw.every((bytes, i) => bytes.toString('utf8') === decoded[i])) return decoded;
  return raw.map(textFromBytes);
}

function rawEntries(source: ArgumentSource, count: number): Buffer[] | undefined {
  let line: Uint8Array | undefined;
  try {
    line = source.commandLine();
  } catch {
    return undefined;
  }
  if (line === undefined) return undefined;
  const bytes = Buffer.from(line);
  const entries: Buffer[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const nul = bytes.indexOf(0, offset);
    if (nul === -1) break;
    entries.push(bytes.subarray(offset, nul));
    offset = nul + 1;
  }
  return entries.length < count ? undefined : entries.slice(entries.length - count);
}
