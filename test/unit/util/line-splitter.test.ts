import { expect, test } from 'vitest';
import { LineSplitter } from '../../../src/util/line-splitter.ts';

function split(chunks: readonly string[]): { lines: (string | undefined)[]; rest: string | undefined } {
  const splitter = new LineSplitter(5);
  const lines = chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk)).map((line) => line?.toString()));
  return { lines, rest: splitter.rest()?.toString() };
}

test('lines come whole, however the chunks are cut', () => {
  const text = 'ab\n\nabcde\nx';
  for (let size = 1; size <= text.length; size++) {
    const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
      text.slice(i * size, (i + 1) * size),
    );
    expect(split(chunks), `chunks of ${size}`).toEqual({ lines: ['ab', '', 'abcde'], rest: 'x' });
  }
});

test('undefined stands for a line that is too long, and those around it are not', () => {
  expect(split(['ab\nabcdef\ncd\n'])).toEqual({ lines: ['ab', undefined, 'cd'], rest: undefined });
  expect(split(['ab\nabc', 'def', 'ghi', '\ncd\n'])).toEqual({ lines: ['ab', undefined, 'cd'], rest: undefined });
  expect(split(['ab\nabc', 'def'])).toEqual({ lines: ['ab'], rest: undefined });
});

test('a chunk may be used again', () => {
  const splitter = new LineSplitter(100);
  const chunk = Buffer.from('begin');
  splitter.push(chunk);
  chunk.fill('x');
  expect(splitter.isWithinLine).toBe(true);
  expect(splitter.push(Buffer.from(' end\n')).map(String)).toEqual(['begin end']);
  expect(splitter.isWithinLine).toBe(false);
});
