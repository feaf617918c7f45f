import { expect, test } from 'vitest';
import { CopyError } from '../../../../../src/errors.ts';
import { FileBatches, isSmallFile, type SmallFile } from '../../../../../src/remotes/sftp/digests/file-batches.ts';
import { type Deferred, deferred } from '../../../../../src/util/deferred.ts';

const DIGEST = Buffer.alloc(32, 1);

/** Answers when it is told to; each question is a list of names. */
function asked(): { batches: FileBatches; questions: string[]; answers: Deferred<(Buffer | undefined)[]>[] } {
  const questions: string[] = [];
  const answers: Deferred<(Buffer | undefined)[]>[] = [];
  const ask = (files: readonly SmallFile[]): Promise<(Buffer | undefined)[]> => {
    questions.push(files.map(({ path }) => path.toString()).join(' '));
    answers.push(deferred());
    return answers.at(-1)!.promise;
  };
  const batches = new FileBatches({ one: async (file) => (await ask([file]))[0], many: ask });
  return { batches, questions, answers };
}

const file = (name: string, algorithm: SmallFile['algorithm'] = 'sha256'): SmallFile => ({
  path: Buffer.from(name),
  length: 1,
  algorithm,
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('files that are asked for during a batch become the next batch', async () => {
  const { batches, questions, answers } = asked();
  const found = ['a', 'b', 'c'].map((name) => batches.digest(file(name)));
  await turn();
  expect(questions).toEqual(['a']);
  answers[0]!.resolve([DIGEST]);
  await turn();
  expect(questions).toEqual(['a', 'b c']);
  answers[1]!.resolve([DIGEST, DIGEST]);
  expect(await Promise.all(found)).toEqual([DIGEST, DIGEST, DIGEST]);
});

test('files without an answer in a batch are asked for one by one', async () => {
  const { batches, questions, answers } = asked();
  const found = ['a', 'b', 'c', 'd'].map((name) => batches.digest(file(name)));
  await turn();
  answers[0]!.resolve([DIGEST]);
  await turn();
  answers[1]!.resolve([DIGEST, undefined, DIGEST]);
  await turn();
  expect(questions).toEqual(['a', 'b c d', 'c']);
  answers[2]!.resolve([undefined]);
  expect(await Promise.all(found)).toEqual([DIGEST, DIGEST, undefined, DIGEST]);
});

test('after three batches in a row without a digest there is no other batch', async () => {
  const questions: string[] = [];
  let batch: (Buffer | undefined)[] = [];
  const batches = new FileBatches({
    one: async ({ path }) => {
      questions.push(path.toString());
      return DIGEST;
    },
    many: async (files) => {
      questions.push(files.map(({ path }) => path.toString()).join(' '));
      return batch;
    },
  });
  /** Three files, of which the first comes alone. */
  const three = async (answer: (Buffer | undefined)[]): Promise<string[]> => {
    batch = answer;
    await Promise.all(['a', 'b', 'c'].map((name) => batches.digest(file(name))));
    return questions.splice(0);
  };
  const fruitless = [undefined, undefined];
  const both = ['a', 'b c', 'b', 'c'];
  expect(await three(fruitless)).toEqual(both);
  expect(await three(fruitless)).toEqual(both);
  expect(await three([DIGEST, undefined])).toEqual(['a', 'b c', 'c']);
  for (let time = 0; time < 3; time++) expect(await three(fruitless)).toEqual(both);
  expect(await three(fruitless)).toEqual(['a', 'b', 'c']);
});

test('a batch has one algorithm, and is neither long nor of many', async () => {
  const { batches, questions, answers } = asked();
  const long = 'x'.repeat(10_000);
  const names = [...Array.from({ length: 66 }, (_, index) => String(index)), long, `${long}y`];
  const found = [
    ...names.map((name) => batches.digest(file(name))),
    ...['m', 'n'].map((name) => batches.digest(file(name, 'md5'))),
  ];
  await turn();
  while (answers.length > 0) {
    for (const answer of answers.splice(0)) answer.resolve(Array(64).fill(DIGEST));
    await turn();
  }
  await Promise.all(found);
  expect(questions.map((names) => names.split(' ').length)).toEqual([1, 64, 2, 1, 2]);
  expect(questions.at(-1)).toBe('m n');
});

test('a failure concerns all files of the batch, and no others', async () => {
  const { batches, answers } = asked();
  const found = ['a', 'b', 'c'].map((name) => batches.digest(file(name)));
  const failed = Promise.allSettled(found);
  await turn();
  answers[0]!.resolve([DIGEST]);
  await turn();
  answers[1]!.reject(new CopyError('unsupported', 'It is gone.'));
  expect(await failed).toEqual([
    { status: 'fulfilled', value: DIGEST },
    ...Array(2).fill({ status: 'rejected', reason: expect.objectContaining({ code: 'unsupported' }) }),
  ]);
  const next = batches.digest(file('d'));
  await turn();
  answers[2]!.resolve([DIGEST]);
  expect(await next).toEqual(DIGEST);
});

test('a range that is long or begins later, or a path with special characters, is no small file', () => {
  const range = { offset: 0, length: (1 << 20) - 1 };
  expect(isSmallFile(Buffer.from("/a b'\u00e4$(id)"), range)).toBe(true);
  for (const name of ['/a\nb', '/a\\b', '/a\rb', '/a\x7f'])
    expect(isSmallFile(Buffer.from(name), range), name).toBe(false);
  expect(isSmallFile(Buffer.from('/a'), { offset: 0, length: (1 << 20) + 1 })).toBe(false);
  expect(isSmallFile(Buffer.from('/a'), { offset: 65536, length: 10 })).toBe(false);
});

test('a range that may be the first piece of a long file is no small file', () => {
  const isSmall = (length: number): boolean => isSmallFile(Buffer.from('/a'), { offset: 0, length });
  expect([65536, 131072, 1 << 20].map(isSmall)).toEqual([false, false, false]);
  expect([1, 4096, 65535, 65537, 131073].map(isSmall)).toEqual([true, true, true, true, true]);
});
