import { setImmediate as tick } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hashingMs, ShellSession } from '../../../../../src/remotes/sftp/digests/shell-session.ts';
import { ScriptedShell } from './scripted-shell.ts';

const script = { text: '{ the script; }\n', marker: 'mark ', maxLineLength: 20 };
const unsupported = expect.objectContaining({ code: 'unsupported' });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

async function started() {
  const shell = new ScriptedShell();
  const starting = ShellSession.start(shell.connection, script);
  await tick();
  shell.say('mark hello\n');
  return { shell, session: await starting };
}

function requests(...texts: string[]): Buffer[] {
  return texts.map((text) => Buffer.from(text));
}

test('the marker is found after any other output', async () => {
  const shell = new ScriptedShell();
  const starting = ShellSession.start(shell.connection, script);
  await tick();
  expect(shell.commands).toEqual(['exec /bin/sh']);
  expect(shell.received).toBe(script.text);
  shell.say(`welcome\n\n${'x'.repeat(5000)}\n mark no\nno mark\n\xff\xfe\nmark`);
  shell.say(' yes sir\n');
  expect(await (await starting).greeting).toBe('yes sir');
  expect(shell.isClosed).toBe(false);
});

test('without a marker it fails after five seconds, and the channel is closed', async () => {
  const shell = new ScriptedShell();
  const starting = ShellSession.start(shell.connection, script);
  starting.catch(() => {});
  await tick();
  shell.say('{ the script; }\n');
  await vi.advanceTimersByTimeAsync(4999);
  expect(shell.isClosed).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await expect(starting).rejects.toEqual(unsupported);
  expect(shell.isClosed).toBe(true);
});

test('endless output before the marker fails', async () => {
  const shell = new ScriptedShell();
  const starting = ShellSession.start(shell.connection, script);
  starting.catch(() => {});
  await tick();
  for (let i = 0; i < 20 && !shell.isClosed; i++) {
    shell.say('x'.repeat(100_000));
    await tick();
  }
  await expect(starting).rejects.toThrow('prints without end');
  expect(shell.isClosed).toBe(true);
});

test('the error for a shell that ends contains its status and output', async () => {
  const shell = new ScriptedShell();
  const starting = ShellSession.start(shell.connection, script);
  starting.catch(() => {});
  await tick();
  shell.exit(127);
  await vi.advanceTimersByTimeAsync(100);
  await expect(starting).rejects.toThrow('ended with status 127: what it complained of\\x1b.');
  await expect(starting).rejects.toEqual(unsupported);
});

test('each request gets its line, call by call', async () => {
  const { shell, session } = await started();
  const first = session.ask(requests('a\n', 'b\n'), 1000);
  const second = session.ask(requests('c\n'), 1000);
  expect(await session.ask([], 1000)).toEqual([]);
  await tick();
  expect(shell.received).toBe(`${script.text}a\nb\nc\n`);
  shell.say('A\n\xffB');
  shell.say('\nC\n');
  expect(await first).toEqual(['A', '\xffB']);
  expect(await second).toEqual(['C']);
});

test('at most 256 requests are in flight', async () => {
  const { shell, session } = await started();
  const asked = session.ask(Array<Buffer>(300).fill(Buffer.from('?')), 1000);
  const later = session.ask(requests('!'), 1000);
  const sent = async () => {
    await tick();
    return shell.received.slice(script.text.length);
  };
  expect(await sent()).toBe('?'.repeat(256));
  shell.say('1\n'.repeat(40));
  await tick();
  expect(await sent()).toBe('?'.repeat(296));
  shell.say('1\n'.repeat(260));
  expect((await asked).length).toBe(300);
  expect(await sent()).toBe(`${'?'.repeat(300)}!`);
  shell.say('2\n');
  expect(await later).toEqual(['2']);
});

test.each([
  ['more answers than requests', 'A\nB\nC\n', 'without a request'],
  ['a line that is too long', `${'x'.repeat(21)}\n`, 'too long'],
])('%s ends it', async (_what, text, message) => {
  const { shell, session } = await started();
  const asked = Promise.allSettled([session.ask(requests('a'), 1000), session.ask(requests('b'), 1000)]);
  shell.say(text);
  await asked;
  await tick();
  expect(shell.isClosed).toBe(true);
  await expect(session.ask(requests('c'), 1000)).rejects.toThrow(message);
});

test('the time of a call runs from the end of the one before', async () => {
  const { shell, session } = await started();
  const first = session.ask(requests('a'), 1000);
  const second = session.ask(requests('b'), 1000);
  second.catch(() => {});
  await vi.advanceTimersByTimeAsync(900);
  shell.say('A\n');
  expect(await first).toEqual(['A']);
  await vi.advanceTimersByTimeAsync(999);
  expect(shell.isClosed).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await expect(second).rejects.toThrow('takes too long');
  expect(shell.isClosed).toBe(true);
});

test('a time beyond the limit of timers does not expire at once', async () => {
  const { shell, session } = await started();
  const asked = session.ask(requests('a'), hashingMs(2 ** 50));
  await vi.advanceTimersByTimeAsync(1_000_000);
  shell.say('A\n');
  expect(await asked).toEqual(['A']);
});

test('hashing gets a minute, and a second for each 5 MB', () => {
  expect(hashingMs(0)).toBe(60_000);
  expect(hashingMs(50_000_000)).toBe(70_000);
});

test('a lost connection is not reported as a failure of the shell', async () => {
  const { shell, session } = await started();
  const asked = session.ask(requests('a'), 1000);
  asked.catch(() => {});
  shell.loseConnection();
  await expect(asked).rejects.toMatchObject({ code: 'connection-lost', scope: 'connection' });
  await expect(session.ask(requests('b'), 1000)).rejects.toMatchObject({ code: 'connection-lost' });
});

test('closing sends the goodbye, rejects the calls in progress and waits for the end', async () => {
  const { shell, session } = await started();
  const asked = session.ask(requests('a'), 1000);
  asked.catch(() => {});
  await session.close('bye\n');
  await session.close('bye\n');
  await expect(asked).rejects.toEqual(unsupported);
  expect(shell.received).toBe(`${script.text}abye\n`);
  expect(shell.isClosed).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test('a greeting in one packet with the marker is kept until it is expected', async () => {
  const shell = new ScriptedShell();
  const starting = ShellSession.start(shell.connection, script);
  await tick();
  shell.say('mark hello\nI serve\n');
  const session = await starting;
  expect(await session.expect(1000)).toBe('I serve');
  const answers = session.ask(requests('a\n'), 1000);
  shell.say('1\n');
  expect(await answers).toEqual(['1']);
});

test('an unexpected line ends the session, also before the first request', async () => {
  const shell = new ScriptedShell();
  const starting = ShellSession.start(shell.connection, script);
  await tick();
  shell.say('mark hello\nI serve\n');
  await expect((await starting).ask(requests('a\n'), 1000)).rejects.toEqual(unsupported);
  expect(shell.isClosed).toBe(true);
});
