import { formatDuration } from '../util/format-duration.ts';
import { formatRate, formatSize } from '../util/format-size.ts';
import { countText, filesText } from './files-text.ts';
import type { EventOf, RunView } from './run-view.ts';
import { showBaseName } from './show-name.ts';

/**
 * What was done, in one line: `big.iso: 1.2 GiB in 34 s (36 MiB/s), 10 connections, verified by size`. Undefined
 * where nothing was copied, nor meant to be.
 */
export function summaryLine(view: RunView, result: EventOf<'result'>): string | undefined {
  if (view.plan?.dryRun) return undefined;
  if (result.filesDone === 0) return skippedLine(view, result);
  const { bytesSent, bytesResumed, elapsedMs, connectionsUsed } = result;
  const rate = elapsedMs > 0 ? ` (${formatRate((bytesSent * 1000) / elapsedMs)})` : '';
  const connections = `${connectionsUsed} connection${connectionsUsed === 1 ? '' : 's'}`;
  const resumed = bytesResumed > 0 ? ` (${formatSize(bytesResumed)} were there already)` : '';
  return `${subject(view, result)}: ${formatSize(bytesSent)}${resumed} in ${formatDuration(elapsedMs)}${rate}, ${connections}, ${verification(result)}${alsoSkipped(result)}${unsynced(result)}`;
}

/** What is said where nothing had to be copied. */
function skippedLine(view: RunView, { filesSkipped, filesFailed }: EventOf<'result'>): string | undefined {
  if (filesSkipped === 0) return undefined;
  if (filesSkipped === 1 && filesFailed === 0 && !view.several) return 'The file is up to date.';
  return filesFailed === 0
    ? `${filesText(filesSkipped)}: nothing to copy.`
    : `Of ${filesText(filesSkipped + filesFailed)}, ${countText(filesSkipped)} need no copy.`;
}

function alsoSkipped({ filesSkipped, bytesSkipped }: EventOf<'result'>): string {
  if (filesSkipped === 0) return '';
  return `; ${filesText(filesSkipped)} (${formatSize(bytesSkipped)}) needed no copy`;
}

function unsynced({ filesNotSynced = 0 }: EventOf<'result'>): string {
  return filesNotSynced === 0 ? '' : `; ${filesText(filesNotSynced)} not synced to the disk`;
}

/** After a failure: what is not lost, and whether it was seen since. Empty where nothing is kept. */
export function keptLines(
  { plan }: Pick<RunView, 'plan'>,
  { bytesKept, bytesKeptUnseen = 0, exitCode }: EventOf<'result'>,
): string[] {
  if (exitCode === 0) return [];
  const seen = bytesKept - bytesKeptUnseen;
  const lines: string[] = [];
  const where = plan?.direction === 'download' ? 'in the partial file' : 'on the server';
  if (seen > 0) lines.push(`${formatSize(seen)} are safe ${where}; the same command continues from there.`);
  if (bytesKeptUnseen > 0) {
    const unseen = formatSize(bytesKeptUnseen);
    lines.push(`${unseen} were stored when the server last answered; the same command continues with what is there.`);
  }
  return lines;
}

/** The last line where some of several files failed. */
export function failureLine(result: EventOf<'result'>): string {
  const total = result.filesDone + result.filesFailed + result.filesSkipped;
  return `${countText(result.filesFailed)} of ${filesText(total)} failed. Run the same command again when the cause is removed.`;
}

function subject(view: RunView, result: EventOf<'result'>): string {
  if (!view.several && view.file) return showBaseName(view.file.source);
  const total = result.filesDone + result.filesFailed;
  if (result.filesFailed > 0) return `${countText(result.filesDone)} of ${filesText(total)}`;
  return filesText(total);
}

function verification({ verified }: EventOf<'result'>): string {
  const parts = [
    { bytes: verified.byDigest, how: 'verified by digest' },
    { bytes: verified.byReadBack, how: 'verified by reading back' },
    { bytes: verified.bySize, how: 'verified by size' },
    { bytes: verified.notVerified, how: 'not verified' },
  ].filter(({ bytes }) => bytes > 0);
  if (parts.length === 0) return 'verified by size';
  if (parts.length === 1) return parts[0]!.how;
  return parts.map(({ bytes, how }) => `${formatSize(bytes)} ${how}`).join(', ');
}
