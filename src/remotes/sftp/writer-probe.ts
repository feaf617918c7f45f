/**
 * Finds out whether a server keeps what two connections write to one file. Some servers give each session a temporary
 * file of its own until it closes, ignore offsets, truncate a file when it is opened, or refuse the second writer; most
 * of these acknowledge every write and lose data. The probe writes one slice of real data through each connection and
 * looks at the size in between, which distinguishes all of these cases.
 */
import { CopyError } from '../../errors.ts';
import { slicesOf } from '../../util/slices-of.ts';
import type { Fill, Range, RemoteConnection, Staged, WriterProbe } from '../remote.ts';

const SLICE = 32 * 1024;

const UNSEEN = 'the server refuses to tell its size, so that it is not known whether several connections may write it';

/**
 * See `Staged.probeWriters`. Writes at `firstOffset` through `file` and at `secondOffset` through `second`. Both slices
 * have the bytes that belong there, so that a successful probe costs a few round trips and sends nothing twice.
 */
export async function probeWriters(
  file: Staged,
  second: RemoteConnection,
  firstOffset: number,
  secondOffset: number,
  size: number,
  fill: Fill,
): Promise<WriterProbe> {
  const first = sliceAt(firstOffset, size);
  await writeOne(file, first, fill);
  const before = (await file.look())?.size;
  if (before === undefined) return one(UNSEEN, [first]);
  if (before > secondOffset) {
    // In a long old file that is written in place, the size does not show where the new bytes are written.
    const isOld = (file.found?.size ?? 0) >= before;
    return isOld ? one('an old file of this size cannot be probed', [first]) : one('its size is not what was written');
  }

  let other: Staged;
  try {
    other = await second.join(file.token);
  } catch (error) {
    const failure = CopyError.from(error);
    if (failure.scope === 'connection') throw failure;
    return one(uncapitalised(failure.message), [first]);
  }
  const answer = await probeWith(file, other, first, before, sliceAt(secondOffset, size), fill).catch(
    async (error: unknown) => {
      // Where the connection that staged the file is lost, the other one must not keep the file open.
      await other.close().catch(() => {});
      throw error;
    },
  );
  try {
    await other.close();
    return answer;
  } catch (error) {
    const failure = CopyError.from(error);
    if (failure.scope === 'connection') throw failure;
    return one(uncapitalised(failure.message));
  }
}

async function probeWith(
  file: Staged,
  other: Staged,
  first: Range,
  before: number,
  beyond: Range,
  fill: Fill,
): Promise<WriterProbe> {
  if (other.found === undefined) return one('a second connection does not see it', [first]);
  if (other.found.size !== before) return one('a second connection sees another size', [first]);
  const reopened = (await file.look())?.size;
  if (reopened === undefined) return one(UNSEEN);
  if (reopened < before) return one('opening it again truncates it');
  try {
    await writeOne(other, beyond, fill);
  } catch (error) {
    const failure = CopyError.from(error);
    if (failure.scope === 'connection') throw failure;
    return one('a second connection may not write it', [first]);
  }
  const after = (await file.look())?.size;
  if (after === undefined) return one(UNSEEN);
  if (after === before) return one('a second connection writes another file', [first]);
  if (after !== beyond.offset + beyond.length) return one('it ignores offsets');
  return { writers: 'many', written: [first, beyond] };
}

function uncapitalised(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, '');
}

function one(reason: string, written?: readonly Range[]): WriterProbe {
  return { writers: 'one', reason, ...(written && { written }) };
}

function sliceAt(offset: number, size: number): Range {
  return { offset, length: Math.min(SLICE, size - offset) };
}

function writeOne(staged: Staged, slice: Range, fill: Fill): Promise<void> {
  return staged.write(slicesOf(slice), fill, () => {});
}
