import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CopyError } from '../../../../../src/errors.ts';
import { RequestPipeline } from '../../../../../src/remotes/sftp/digests/request-pipeline.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

function begin() {
  const written: string[] = [];
  const onLate = vi.fn();
  const pipeline = new RequestPipeline((bytes) => void written.push(bytes.toString('latin1')), onLate);
  return { written, onLate, pipeline };
}

function requests(text: string): Buffer[] {
  return [...text].map((one) => Buffer.from(one));
}

test('all requests of a call are one write, and each gets its line in order', async () => {
  const { written, pipeline } = begin();
  const [first, second] = [pipeline.ask(requests('ab'), 1000), pipeline.ask(requests('c'), 1000)];
  expect(written).toEqual(['ab', 'c']);
  for (const line of ['A', 'B', 'C']) expect(pipeline.answer(line)).toBe(true);
  expect(await first).toEqual(['A', 'B']);
  expect(await second).toEqual(['C']);
});

test('at most 256 requests are in flight; each answer makes room for one more, also of the next call', async () => {
  const { written, pipeline } = begin();
  const first = pipeline.ask(requests('?'.repeat(257)), 1000);
  const second = pipeline.ask(requests('!!'), 1000);
  expect(written).toEqual(['?'.repeat(256)]);
  pipeline.answer('');
  pipeline.answer('');
  expect(written.slice(1)).toEqual(['?', '!']);
  for (let left = 257; left > 0; left--) expect(pipeline.answer('')).toBe(true);
  expect(await first).toHaveLength(257);
  expect(await second).toHaveLength(2);
  expect(written.join('')).toBe(`${'?'.repeat(257)}!!`);
});

test('a line without a request is not taken', async () => {
  const { pipeline } = begin();
  expect(pipeline.answer('early')).toBe(false);
  const asked = pipeline.ask(requests('a'), 1000);
  expect(pipeline.answer('A')).toBe(true);
  expect(pipeline.answer('B')).toBe(false);
  expect(await asked).toEqual(['A']);
});

test('an empty request awaits a line, and nothing is written for it', async () => {
  const { written, pipeline } = begin();
  const asked = pipeline.ask([Buffer.alloc(0)], 1000);
  expect(written).toEqual([]);
  expect(pipeline.answer('A')).toBe(true);
  expect(await asked).toEqual(['A']);
});

test('the time of a call begins when the call before it has ended', async () => {
  const { onLate, pipeline } = begin();
  void pipeline.ask(requests('ab'), 1000);
  void pipeline.ask(requests('c'), 500);
  vi.advanceTimersByTime(600);
  pipeline.answer('A');
  vi.advanceTimersByTime(399);
  pipeline.answer('B');
  vi.advanceTimersByTime(499);
  expect(onLate).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onLate).toHaveBeenCalledTimes(1);
});

test('no time is counted while nothing is asked', () => {
  const { pipeline } = begin();
  void pipeline.ask(requests('a'), 1000);
  pipeline.answer('A');
  expect(vi.getTimerCount()).toBe(0);
});

test('the end rejects all calls, sent or not, and stops the time', async () => {
  const { pipeline } = begin();
  const calls = [pipeline.ask(requests('?'.repeat(300)), 1000), pipeline.ask(requests('!'), 1000)];
  const reason = new CopyError('unsupported', 'ended');
  pipeline.end(reason);
  for (const call of calls) await expect(call).rejects.toBe(reason);
  expect(vi.getTimerCount()).toBe(0);
  expect(pipeline.answer('late')).toBe(false);
});
