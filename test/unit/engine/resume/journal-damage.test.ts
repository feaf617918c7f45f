import { createHash } from 'node:crypto';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { headerLine, recordLine } from '../../../../src/engine/resume/journal-records.ts';
import { byTier } from '../../../support/tier.ts';
import { journalScene } from './journal-scene.ts';
import { digestA, digestB, sampleHeader } from './sample.ts';

const { line: firstLine, seed } = headerLine(sampleHeader());
const first = { offset: 0, length: 100, state: 'acknowledged', digest: digestA } as const;
const second = { offset: 100, length: 100, state: 'verified', digest: digestB } as const;
const third = { offset: 200, length: 100, state: 'durable' } as const;
const [firstPiece, secondPiece] = [first, second].map((piece) => recordLine({ kind: 'piece', ...piece }, seed));
const whole = `${firstLine}${firstPiece}${secondPiece}`;

async function sceneWith(content: string | Buffer) {
  const scene = await journalScene();
  await mkdir(dirname(scene.path), { recursive: true });
  const put = (bytes: string | Buffer): Promise<void> => writeFile(scene.path, bytes, { mode: 0o600 });
  await put(content);
  return { ...scene, put };
}

test('torn at every byte of its last record, it lacks that record alone, and can be gone on with', async () => {
  const { open, put, failures } = await sceneWith('');
  for (let cut = 0; cut <= secondPiece!.length; cut++) {
    await put(whole.slice(0, whole.length - cut));
    const journal = await open();
    // Without its end alone the line is whole.
    const left = cut <= 1 ? [first, second] : [first];
    expect(journal?.known, `without ${cut} bytes`).toEqual(left);
    journal?.record(third, 'durable');
    await journal?.close();
    expect((await open())?.known, `gone on without ${cut} bytes`).toEqual([...left, third]);
  }
  expect(failures).toEqual([]);
});

test('damaged at any byte, it lacks at most the lines of that byte', async () => {
  const { open, put } = await sceneWith('');
  // In the quick tier every other byte, each in one of the two ways.
  for (let at = 0; at < whole.length; at += byTier(2, 1)) {
    const bytes = Buffer.from(whole);
    bytes[at] = at % 3 === 0 ? 0x0a : bytes[at]! ^ 1;
    if (bytes.toString() === whole) continue;
    await put(bytes);
    const journal = await open();
    if (at < firstLine.length) expect(journal, `damaged at ${at}`).toBeUndefined();
    else {
      const lacks = (piece: object) => !journal?.known.some((known) => JSON.stringify(known) === JSON.stringify(piece));
      const [lacksFirst, lacksSecond] = [lacks(first), lacks(second)];
      expect(journal?.known).toEqual([...(lacksFirst ? [] : [first]), ...(lacksSecond ? [] : [second])]);
      const end = firstLine.length + firstPiece!.length;
      expect([lacksFirst, lacksSecond], `damaged at ${at}`).toEqual([at < end, at >= end - 1]);
    }
  }
});

test('what is not ours is left out', async () => {
  const otherSeed = headerLine({ ...sampleHeader(), token: { stage: 'another' } });
  const foreign = [
    'text\n',
    '\n',
    '\r\n',
    Buffer.alloc(3000),
    '\n',
    Buffer.from([0xff, 0xfe, 0x0a]),
    `${'x'.repeat(1_000_000)}\n`,
    otherSeed.line,
    recordLine({ kind: 'piece', offset: 0, length: 1000, state: 'verified' }, otherSeed.seed),
    firstLine,
    recordLine({ kind: 'piece', offset: 0, length: 1001, state: 'verified' }, seed),
    recordLine({ kind: 'note' } as never, seed),
    secondPiece!.replace('\n', '\r\n'),
  ].map((part) => Buffer.from(part));
  const { open } = await sceneWith(
    Buffer.concat([...foreign.slice(0, 7), Buffer.from(firstLine), ...foreign, Buffer.from(firstPiece!), ...foreign]),
  );
  const journal = await open();
  expect(journal?.header).toEqual(sampleHeader());
  expect(journal?.known).toEqual([first]);
});

test.each([
  ['an empty file', ''],
  ['a header cut off', firstLine.slice(0, -5)],
  ['no header', `${firstPiece}${secondPiece}`],
  ['rubbish', Buffer.alloc(200_000, 7)],
])('%s is no journal', async (_, content) => {
  const { open, create } = await sceneWith(content);
  expect(await open()).toBeUndefined();
  await (await create()).close();
  expect(await open()).toBeDefined();
});

test('more than 64 MiB are no journal', async () => {
  const { path, open } = await sceneWith(firstLine);
  await truncate(path, 64 * 1024 * 1024);
  expect(await open()).toBeDefined();
  await truncate(path, 64 * 1024 * 1024 + 1);
  expect(await open()).toBeUndefined();
});

function signed(fields: object): string {
  const json = JSON.stringify(fields);
  return `${createHash('sha256').update(json).digest('hex').slice(0, 16)} ${json}\n`;
}

test('a newer format ends the run, and the file stays as it is', async () => {
  const content = `${signed({ kind: 'header', format: 3 })}${firstPiece}`;
  const { path, open } = await sceneWith(content);
  await expect(open()).rejects.toMatchObject({
    code: 'journal-newer',
    scope: 'run',
    retry: false,
    exitCode: 12,
    message: expect.stringContaining('format 3'),
    advice: expect.stringContaining('Update mt-copy-tools'),
  });
  expect(await readFile(path, 'utf8')).toBe(content);
});

test('lines below a header that has more in it than ours are written to be read', async () => {
  const fields = { ...(JSON.parse(firstLine.slice(17)) as object), note: 'of a later version' };
  const { open, failures } = await sceneWith(signed(fields));
  const journal = await open();
  journal?.record(third, 'durable');
  await journal?.flush();
  journal?.record(first, 'acknowledged', digestA);
  await journal?.close();
  expect((await open())?.known).toEqual([first, third]);
  expect(failures).toEqual([]);
});
