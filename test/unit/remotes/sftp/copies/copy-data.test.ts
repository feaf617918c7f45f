import { expect, test } from 'vitest';
import { parseCopyData } from '../../../../../src/remotes/sftp/codec/extensions.ts';
import { copyData } from '../../../../../src/remotes/sftp/copies/copy-data.ts';
import type { SftpSession } from '../../../../../src/remotes/sftp/session.ts';

const MIB = 1024 * 1024;
const handles = { fromHandle: Buffer.from('a'), toHandle: Buffer.from('b'), to: Buffer.from('/b') };

/** A session that answers every copy with OK after `onCopy`; `asked` are the ranges that it was asked to copy. */
function copyingSession(onCopy: () => void = () => {}) {
  const asked: { offset: number; length: number }[] = [];
  const session = {
    async extended(_name: string, payload: Uint8Array) {
      const { fromOffset, toOffset, length } = parseCopyData(payload);
      expect(toOffset).toBe(fromOffset);
      asked.push({ offset: fromOffset, length });
      onCopy();
    },
  };
  return { session: session as unknown as SftpSession, asked };
}

test('a long range is copied in requests of at most 64 MiB', async () => {
  const { session, asked } = copyingSession();
  await copyData(session, { ...handles, range: { offset: 3, length: 130 * MIB } });
  expect(asked).toEqual([
    { offset: 3, length: 64 * MIB },
    { offset: 3 + 64 * MIB, length: 64 * MIB },
    { offset: 3 + 128 * MIB, length: 2 * MIB },
  ]);
});

test('an aborted copy rejects, after the request that is in progress', async () => {
  const aborter = new AbortController();
  const { session, asked } = copyingSession(() => aborter.abort());
  const copied = copyData(session, { ...handles, range: { offset: 0, length: 130 * MIB }, signal: aborter.signal });
  await expect(copied).rejects.toMatchObject({ code: 'cancelled' });
  expect(asked.length).toBe(1);
});

test('an abort during the last request does not undo a copy that is complete', async () => {
  const aborter = new AbortController();
  const { session } = copyingSession(() => aborter.abort());
  await copyData(session, { ...handles, range: { offset: 0, length: MIB }, signal: aborter.signal });
});
