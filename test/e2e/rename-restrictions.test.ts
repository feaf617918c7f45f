/**
 * Servers that refuse to rename or to remove files: what can be copied is, and what cannot is told before it is sent.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { proftpdForTest, sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { eventsOf, type JsonRun, mtputJson, noticesOf } from '../support/mtput.ts';
import { sha256Of } from '../support/random-file.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';

/** Sent in no time. */
const SMALL = 1000;
/** So much that nobody wants to send it in vain. */
const LARGE = 5_000_000;

const ASIDE = /^\.f\.[0-9a-f]{16}\.mtold$/;

const messages = (run: JsonRun): string =>
  noticesOf(run)
    .map(({ message }) => message)
    .join('\n');
const notices = (run: JsonRun): string[] => noticesOf(run).map(({ code }) => code);

async function put(server: TestServer, size: number, more: readonly string[] = []): Promise<JsonRun> {
  const source = await sourceForTest(size);
  const run = await mtputJson([source.path], { server, path: 'f' }, more);
  if (run.code === 0) expect(await sha256Of(join(server.home, 'f'))).toBe(source.sha256);
  return run;
}

const standOld = (server: TestServer): Promise<void> => writeFile(join(server.home, 'f'), 'old', { mode: 0o666 });
const old = (server: TestServer): Promise<string> => readFile(join(server.home, 'f'), 'utf8');

describeWithServers(['sshd'], 'requests that sshd refuses', () => {
  const start = (requests: string) => sshdForTest({ sftpOptions: `-P ${requests}` });

  const replaced: readonly (readonly [string, readonly string[]])[] = [
    ['rename,remove', []],
    ['posix-rename', ['not-atomic']],
    ...byTier<readonly (readonly [string, readonly string[]])[]>(
      [],
      [
        ['rename', []],
        ['remove', []],
        ['posix-rename,hardlink', ['not-atomic']],
      ],
    ),
  ];

  it.each(replaced)('%s: the old file is replaced, and nothing is left', async (requests, told) => {
    const server = await start(requests);
    await standOld(server);
    const run = await put(server, LARGE);
    expect(run.code, run.stderr).toBe(0);
    expect(notices(run)).toEqual(told);
    expect(await readdir(server.home)).toEqual(['f']);
  });

  it('posix-rename,remove: the old file is left once, and named; no run leaves another', async () => {
    const server = await start('posix-rename,remove');
    expect((await put(server, SMALL)).code, 'nothing is in the way').toBe(0);
    expect(await readdir(server.home)).toEqual(['f']);
    await standOld(server);
    const run = await put(server, LARGE);
    expect(run.code, run.stderr).toBe(0);
    const left = (await readdir(server.home)).filter((name) => ASIDE.test(name));
    expect(left).toHaveLength(1);
    expect(await readFile(join(server.home, left[0]!), 'utf8')).toBe('old');
    expect(messages(run)).toContain(left[0]!);
    for (const size of byTier([SMALL], [SMALL, LARGE])) {
      const again = await put(server, size);
      expect(again.code, again.stderr).toBe(4);
      expect(again.stderr).toContain(left[0]!);
      expect(again.stderr).toMatch(/Use --inplace/);
      expect((await readdir(server.home)).filter((name) => ASIDE.test(name))).toEqual(left);
    }
    expect((await put(server, LARGE, ['--inplace'])).code).toBe(0);
  });

  it.each(['rename,posix-rename', ...byTier([], ['rename,posix-rename,remove,hardlink'])])(
    '%s: 4, the old file stays, and --inplace works',
    async (requests) => {
      const server = await start(requests);
      for (const isThere of [false, true]) {
        if (isThere) await standOld(server);
        const run = await put(server, isThere ? LARGE : SMALL);
        expect(run.code, run.stderr).toBe(4);
        if (isThere) expect(eventsOf(run, 'result')[0]!.bytesSent).toBe(0);
        expect(run.stderr).toMatch(/refused to rename \S*\/\.f\S*\.mtpart( to |, which was tried).*Use --inplace/s);
        expect((await readdir(server.home)).includes('f')).toBe(isThere);
        if (isThere) expect(await old(server)).toBe('old');
      }
      // What was tried before anything was sent leaves nothing, or names it: so it is when it is tried once more.
      for (const size of byTier([], [LARGE])) {
        const run = await put(server, size);
        expect(eventsOf(run, 'result')[0]!.bytesSent).toBe(0);
      }
      expect((await put(server, LARGE, ['--inplace'])).code).toBe(0);
    },
  );

  it('--inplace is not advised where the old file may not be written', async () => {
    const server = await sshdForTest({ sftpOptions: '-P rename,posix-rename', user: 'nobody' });
    await writeFile(join(server.home, 'f'), 'old', { mode: 0o644 });
    const run = await put(server, SMALL);
    expect(run.code).toBe(4);
    expect(run.stderr).not.toContain('--inplace');
    expect(await old(server)).toBe('old');
  });
});

describeWithServers(['proftpd'], 'commands that proftpd refuses', () => {
  it.each([
    ['DELE', 0],
    ['RNTO', 4],
    ...byTier<[string, number][]>(
      [],
      [
        ['RNFR RNTO', 4],
        ['DELE RNFR RNTO', 4],
      ],
    ),
  ] as const)('%s: code %i', async (commands, code) => {
    const server = await proftpdForTest(`<Limit ${commands}>\n  DenyAll\n</Limit>`);
    const run = await put(server, LARGE);
    expect(run.code, run.stderr).toBe(code);
    if (code === 4) expect(run.stderr).toMatch(/refused to rename .*Use --inplace/s);
    expect((await readdir(server.home)).includes('f')).toBe(code === 0);
    // In the quick tier, where it is what to do.
    if (byTier(code === 4, true)) expect((await put(server, LARGE, ['--inplace'])).code).toBe(0);
  });
});
