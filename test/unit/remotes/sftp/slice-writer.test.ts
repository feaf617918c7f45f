import { expect, test } from 'vitest';
import type { Fill, Range, Slices } from '../../../../src/remotes/remote.ts';
import { FlowWindow } from '../../../../src/remotes/sftp/flow-window.ts';
import type { SftpSession } from '../../../../src/remotes/sftp/session.ts';
import { SliceWriter } from '../../../../src/remotes/sftp/slice-writer.ts';
import { type Deferred, deferred } from '../../../../src/util/deferred.ts';

const LENGTH = 1000;

/** A writer over a session that answers at once, and the offsets of what it has sent. */
function scene() {
  const sent: number[] = [];
  const session = {
    fittingWriteLength: () => LENGTH,
    allocateWrite: (_: Uint8Array, length: number) => ({ views: [Buffer.alloc(length)] }),
    sendWrites: (parts: readonly Range[]) => {
      sent.push(...parts.map(({ offset }) => offset));
      return parts.map(() => Promise.resolve());
    },
  } as unknown as SftpSession;
  const window = new FlowWindow({ maxRequest: LENGTH, requests: 8 });
  return { writer: new SliceWriter(session, window, Buffer.from('h')), sent };
}

/** One range. */
function slicesOf(range: Range): Slices {
  let rest: Range | undefined = range;
  return {
    take: () => {
      const taken = rest;
      rest = undefined;
      return taken;
    },
  };
}

const nothing = (): void => {};

test('slices are sent in the order in which they are taken, even if a later one is read first', async () => {
  const { writer, sent } = scene();
  const reads: Deferred<void>[] = [];
  const fill: Fill = () => {
    const read = deferred<void>();
    reads.push(read);
    return read.promise;
  };
  const first = writer.write(slicesOf({ offset: 0, length: LENGTH }), fill, nothing);
  const second = writer.write(slicesOf({ offset: LENGTH, length: LENGTH }), fill, nothing);
  await expect.poll(() => reads.length).toBe(2);
  reads[1]!.resolve();
  await new Promise(setImmediate);
  expect(sent).toEqual([]);
  reads[0]!.resolve();
  await Promise.all([first, second]);
  expect(sent).toEqual([0, LENGTH]);
});

test('a slice that cannot be read does not keep others from being sent', async () => {
  const { writer, sent } = scene();
  const fails: Fill = async () => {
    throw new Error('no such block');
  };
  const first = writer.write(slicesOf({ offset: 0, length: LENGTH }), fails, nothing);
  const second = writer.write(slicesOf({ offset: LENGTH, length: LENGTH }), async () => {}, nothing);
  await expect(first).rejects.toThrow('no such block');
  await second;
  expect(sent).toEqual([LENGTH]);
});
