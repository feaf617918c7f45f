import { expect, test } from 'vitest';
import { headerLine, type JournalRecord, recordLine } from '../../../../src/engine/resume/journal-records.ts';
import { JournalWriter } from '../../../../src/engine/resume/journal-writer.ts';
import type { CopyError } from '../../../../src/errors.ts';
import { type Deferred, deferred } from '../../../../src/util/deferred.ts';
import { sampleHeader } from './sample.ts';

const header = headerLine(sampleHeader());
const seen = (size: number): JournalRecord => ({ kind: 'staged', size, atMs: 0 });
const lineOf = (record: JournalRecord): string => recordLine(record, header.seed);

/** A writer over a file in memory; `known` is what a file that is written anew has. */
function scene(known: JournalRecord[] = []) {
  const failures: CopyError[] = [];
  const disk = {
    path: '/journal',
    size: 0,
    /** What was done, in its order. */
    steps: [] as string[],
    isOurs: true,
    isFull: false,
    /** The next step waits for it. */
    held: undefined as Deferred<void> | undefined,
    text: header.line,
    async append(lines: string) {
      await this.step('append');
      if (this.isOurs) this.text += lines;
      return this.isOurs;
    },
    async replace(lines: Iterable<string>) {
      const text = [...lines].join('');
      await this.step('replace');
      this.text = text;
      this.isOurs = true;
    },
    async remove() {
      this.steps.push('remove');
    },
    async close() {
      this.steps.push('close');
    },
    async step(name: string) {
      this.steps.push(name);
      await this.held?.promise;
      if (this.isFull) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
    },
  };
  const writer = new JournalWriter(
    disk,
    header,
    () => known,
    (error) => failures.push(error),
  );
  return { writer, disk, failures, known };
}

test('records wait for a flush, and are appended together', async () => {
  const { writer, disk } = scene();
  writer.append(seen(1));
  writer.append(seen(2));
  expect(disk.steps).toEqual([]);
  await writer.flush();
  expect(disk.text).toBe(header.line + lineOf(seen(1)) + lineOf(seen(2)));
  await writer.flush();
  expect(disk.steps, 'nothing waits').toEqual(['append']);
});

test('all flushes that come during a write share the next one', async () => {
  const { writer, disk } = scene();
  disk.held = deferred();
  writer.append(seen(1));
  const first = writer.flush();
  await Promise.resolve();
  expect(disk.steps).toEqual(['append']);
  const others = [2, 3, 4].map((size) => {
    writer.append(seen(size));
    return writer.flush();
  });
  disk.held.resolve();
  await Promise.all([first, ...others]);
  expect(disk.steps).toEqual(['append', 'append']);
  expect(disk.text).toBe(header.line + [1, 2, 3, 4].map((size) => lineOf(seen(size))).join(''));
});

test('what was taken back is gone after the next flush, with one write for all of it', async () => {
  const { writer, disk, known } = scene([seen(7)]);
  writer.append(seen(1));
  writer.takeBack();
  writer.takeBack();
  writer.append(seen(2));
  await writer.flush();
  expect(disk.steps).toEqual(['replace']);
  expect(disk.text, 'what is known, and no more').toBe(header.line + lineOf(seen(7)));
  known.push(seen(8));
  writer.append(seen(8));
  await writer.flush();
  expect(disk.steps).toEqual(['replace', 'append']);
});

test('what is taken back while the file is written anew is taken back by another write', async () => {
  const { writer, disk, known } = scene([seen(7)]);
  disk.held = deferred();
  writer.takeBack();
  const first = writer.flush();
  await Promise.resolve();
  expect(disk.steps).toEqual(['replace']);
  known.pop();
  writer.takeBack();
  const second = writer.flush();
  disk.held.resolve();
  await first;
  expect(disk.text).toBe(header.line + lineOf(seen(7)));
  await second;
  expect(disk.text).toBe(header.line);
});

test('a file that is not ours any more is written anew', async () => {
  const { writer, disk } = scene([seen(7)]);
  disk.isOurs = false;
  writer.append(seen(7));
  await writer.flush();
  expect(disk.steps).toEqual(['append', 'replace']);
  expect(disk.text).toBe(header.line + lineOf(seen(7)));
});

test('a failure is told once; the file stays while what it claims is true, and is removed when it is not', async () => {
  const { writer, disk, failures } = scene();
  disk.isFull = true;
  writer.append(seen(1));
  await Promise.all([writer.flush(), writer.flush()]);
  writer.append(seen(2));
  await writer.flush();
  expect(disk.steps).toEqual(['append']);
  writer.takeBack();
  await writer.flush();
  await writer.flush();
  expect(disk.steps).toEqual(['append', 'remove']);
  expect(failures).toMatchObject([{ code: 'local-io', message: expect.stringContaining('cannot be written: ENOSPC') }]);
});

test('a file from which something cannot be taken back is removed before the flush ends', async () => {
  const { writer, disk, failures } = scene();
  disk.isFull = true;
  writer.takeBack();
  await writer.flush();
  expect(disk.steps).toEqual(['replace', 'remove']);
  expect(failures).toHaveLength(1);
});

test('a header that is too long is a failure', async () => {
  const failures: CopyError[] = [];
  const { disk } = scene();
  const long = headerLine({ ...sampleHeader(), targetPath: 'x'.repeat(200_000) });
  const writer = new JournalWriter(
    disk,
    long,
    () => [],
    (error) => failures.push(error),
  );
  writer.rewriteNext();
  await writer.flush();
  expect(disk.steps).toEqual([]);
  expect(failures).toMatchObject([{ message: expect.stringContaining('too long') }]);
});

test('after the close, or the removal, nothing is written', async () => {
  const closed = scene();
  closed.writer.append(seen(1));
  await closed.writer.close();
  closed.writer.append(seen(2));
  await closed.writer.flush();
  expect(closed.disk.steps).toEqual(['append', 'close']);
  const removed = scene();
  removed.writer.append(seen(1));
  await removed.writer.remove();
  await removed.writer.flush();
  expect(removed.disk.steps).toEqual(['remove']);
});
