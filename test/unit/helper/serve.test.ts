/** `mt-copy-tools-cs --serve` as it is built. */
import { createHash } from 'node:crypto';
import { open, truncate, writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { checkGreeting, encodeRequest, type HashRequest, STOP } from '../../../src/helper/framing.ts';
import { LineSplitter } from '../../../src/util/line-splitter.ts';
import { tempDirForTest } from '../../support/for-one-test.ts';
import { helperPath } from '../../support/helper-program.ts';
import { run, runOk, startProcess } from '../../support/process.ts';

const content = Buffer.from(Array.from({ length: 500_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));

async function sample(name = 'sample') {
  const dir = await tempDirForTest();
  const path = dir.file(name);
  await writeFile(path, content);
  return { dir, path };
}

function request(path: string | Uint8Array, changes: Partial<HashRequest> = {}): string {
  return encodeRequest({ path: Buffer.from(path), algorithm: 'sha256', offset: 0, length: content.length, ...changes });
}

function digest(algorithm: string, bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest('hex');
}

/** What it answers to all of `input`, without the greeting. */
async function answersTo(input: string): Promise<unknown[]> {
  const { stdout } = await runOk(process.execPath, [helperPath, '--serve'], { input });
  const [greeting, ...answers] = stdout.trimEnd().split('\n');
  checkGreeting(greeting!);
  return answers.map((line) => JSON.parse(line));
}

/** One that is still talked to. */
async function serving() {
  const { child, exited, stopTree } = await startProcess(process.execPath, [helperPath, '--serve']);
  onTestFinished(async () => void (await stopTree()));
  const lines = new LineSplitter(10_000);
  const received: string[] = [];
  let more: () => void = () => {};
  child.stdout!.on('data', (chunk: Buffer) => {
    for (const line of lines.push(chunk)) received.push(String(line));
    more();
  });
  const next = async (): Promise<string> => {
    while (received.length === 0) await new Promise<void>((resolve) => (more = resolve));
    return received.shift()!;
  };
  checkGreeting(await next());
  return { stdin: child.stdin!, stdout: child.stdout!, next, exited };
}

test('requests are answered in order, whatever each costs', async () => {
  const { path } = await sample();
  const wanted = Array.from({ length: 600 }, (_, i) => ({
    algorithm: (['sha256', 'sha512', 'sha1', 'md5'] as const)[i % 4]!,
    offset: (i * 977) % 400_000,
    length: i % 3 === 0 ? 100_000 : i % 5,
  }));
  const answers = await answersTo(wanted.map((changes) => request(path, changes)).join(''));
  expect(answers).toEqual(
    wanted.map(({ algorithm, offset, length }) => ({
      digest: digest(algorithm, content.subarray(offset, offset + length)),
      bytes: length,
    })),
  );
});

test('how many bytes were hashed tells where a file ends', async () => {
  const { path } = await sample();
  const answers = await answersTo(
    request(path, { offset: 400_000, length: 200_000 }) + request(path, { offset: 600_000, length: 5 }),
  );
  expect(answers).toEqual([
    { digest: digest('sha256', content.subarray(400_000)), bytes: 100_000 },
    { digest: digest('sha256', Buffer.alloc(0)), bytes: 0 },
  ]);
});

test('what cannot be hashed has a code, and the next request is answered all the same', async () => {
  const { dir, path } = await sample();
  await runOk('mkfifo', [dir.file('pipe')]);
  const input = [
    request(dir.file('missing')),
    request(dir.file('pipe')),
    request(dir.path),
    request('/dev/zero'),
    request(`${path}/below`),
    request('a\0b'),
    'nonsense\n',
    '\n',
    `${'x'.repeat(100_000)}\n`,
    request(dir.file('\x01'.repeat(200))),
    request(path),
  ];
  const answers = await answersTo(input.join(''));
  const codes = ['ENOENT', 'EINVAL', 'EINVAL', 'EINVAL', 'ENOTDIR', 'ERR_INVALID_ARG_VALUE'];
  codes.push('EPROTO', 'EPROTO', 'EPROTO', 'ENOENT');
  expect(answers).toEqual([
    ...codes.map((error) => ({ error, message: expect.any(String) })),
    { digest: digest('sha256', content), bytes: content.length },
  ]);
  for (const answer of answers) expect(JSON.stringify(answer).length).toBeLessThan(1024);
});

test.each(['/quotes\'"`', '/$(touch x)', '/line\nbreak', '/-m', Buffer.from([0x2f, 0xff, 0x80, 0xc3])])(
  'the path %j',
  async (name) => {
    const { dir } = await sample();
    const path = Buffer.concat([Buffer.from(dir.path), Buffer.from(name)]);
    const file = await open(path, 'w');
    await file.writeFile(content);
    await file.close();
    expect(await answersTo(request(path))).toEqual([{ digest: digest('sha256', content), bytes: content.length }]);
  },
);

test('an answer comes as soon as it is known', async () => {
  const { path } = await sample();
  const { stdin, next, exited } = await serving();
  for (const length of [1, 2, 3]) {
    stdin.write(request(path, { length }));
    expect(JSON.parse(await next())).toMatchObject({ bytes: length });
  }
  stdin.end();
  expect(await exited).toEqual({ code: 0, signal: null });
});

test('told to stop, it ends at once', async () => {
  const { path } = await sample();
  await truncate(path, 2 ** 40);
  const { stdin, exited } = await serving();
  stdin.write(request(path, { length: 2 ** 40 }) + STOP);
  expect(await exited).toEqual({ code: 0, signal: null });
});

test('it ends when nobody reads its answers any more', async () => {
  const { path } = await sample();
  await truncate(path, 2 ** 40);
  const { stdin, stdout, exited } = await serving();
  stdout.destroy();
  stdin.write(request(path, { length: 5 }) + request(path, { length: 2 ** 40 }));
  expect(await exited).toEqual({ code: 0, signal: null });
});

test('a flood of requests does not fill its memory', async () => {
  const { path } = await sample();
  const input = request(path, { length: 1 }).repeat(10_000);
  // With so little room, Node would end one that takes all requests at once.
  const args = ['--max-old-space-size=16', helperPath, '--serve'];
  const { code, stdout } = await run(process.execPath, args, { input, timeoutMs: 60_000 });
  expect(code).toBe(0);
  expect(stdout.split('\n').length).toBe(10_002);
});
