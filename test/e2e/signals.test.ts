/** A run that is interrupted says how to go on, and leaves the destination as it was. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOn } from '../support/each-server.ts';
import { startMtput } from '../support/mtput.ts';
import { standOldTarget } from '../support/old-target.ts';
import { partialsOf } from '../support/partials.ts';
import type { RunningProcess } from '../support/process.ts';
import { type RunningProxy, startProxy } from '../support/proxy.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { expectSuccess } from '../support/run-outcome.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

/** What a program has printed so far. */
function listen(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });
  return () => text;
}

describeOn('sshd', 'signals', (bed) => {
  let proxy: RunningProxy;
  beforeAll(async () => {
    const { host, port } = bed.server;
    proxy = await startProxy({ target: { host, port }, bytesPerSecond: 1_000_000 });
    await bed.server.trustPort(proxy.port);
    await writeRandomFile(bed.dir.file('big.bin'), 30_000_000);
  });
  afterAll(() => proxy.stop());

  interface Upload {
    readonly program: RunningProcess;
    readonly stderr: () => string;
    readonly closed: Promise<unknown>;
  }

  /** An upload of half a minute, under way. */
  async function startUpload(target: string, more: readonly string[] = []): Promise<Upload> {
    const to = { server: bed.server, port: proxy.port, path: target };
    const program = await startMtput([bed.dir.file('big.bin')], to, ['-n', '2', ...more]);
    const stderr = listen(program.child.stderr);
    const closed = once(program.child, 'close');
    program.child.stdout?.resume();
    const size = async () => {
      const [partial] = await partialsOf(bed.server.home, target);
      // It gets another name once, when it is tried whether it can be renamed.
      const found = partial === undefined ? undefined : await stat(partial).catch(() => undefined);
      return found?.size ?? 0;
    };
    await waitFor(async () => program.child.exitCode !== null || (await size()) > 500_000, { what: 'bytes to arrive' });
    expect(program.child.exitCode, stderr()).toBe(null);
    return { program, stderr, closed };
  }

  it.each([
    ['SIGINT', 130, /^mtput: Interrupted\.$/],
    ['SIGTERM', 143, /^mtput: Terminated\.$/],
  ] as const)('%s ends it with %i, saying what to do', async (signal, code, happened) => {
    const fresh = `${signal}-fresh`;
    const old = await standOldTarget(join(bed.server.home, `${signal}-old`));
    // In the quick tier one that is fresh is interrupted below.
    for (const target of byTier([`${signal}-old`], [fresh, `${signal}-old`])) {
      const { program, stderr, closed } = await startUpload(target);
      const begin = performance.now();
      program.child.kill(signal);
      await closed;
      expect(await program.exited).toEqual({ code, signal: null });
      expect(performance.now() - begin).toBeLessThan(5000);
      const lines = stderr().trimEnd().split('\n');
      expect(lines.slice(-2)).toEqual([expect.stringMatching(happened), 'Run the same command again.']);
    }
    expect(existsSync(join(bed.server.home, fresh))).toBe(false);
    await old.expectUntouched();
  });

  it('a second SIGINT ends it at once, whatever the server does', async () => {
    const { program, stderr, closed } = await startUpload('twice');
    await proxy.stall('all');
    try {
      program.child.kill('SIGINT');
      await waitFor(() => program.child.exitCode !== null || stderr().includes('interrupt once more'), {
        what: 'the first interrupt to be noticed',
      });
      const begin = performance.now();
      program.child.kill('SIGINT');
      await closed;
      expect(await program.exited).toEqual({ code: 130, signal: null });
      expect(performance.now() - begin).toBeLessThan(1000);
    } finally {
      await proxy.resume('all');
    }
    expect(existsSync(join(bed.server.home, 'twice'))).toBe(false);
  });

  it('one SIGINT is enough where the server has fallen silent', async () => {
    const { program, closed } = await startUpload('silent');
    await proxy.stall('all');
    try {
      const begin = performance.now();
      program.child.kill('SIGINT');
      await closed;
      expect(await program.exited).toEqual({ code: 130, signal: null });
      expect(performance.now() - begin).toBeLessThan(10_000);
    } finally {
      await proxy.resume('all');
    }
  });

  it('a hang-up is no reason to stop without a terminal', async () => {
    const { program, stderr, closed } = await startUpload('no-terminal');
    program.child.kill('SIGHUP');
    const { bytesUp } = await proxy.stats();
    const more = async (): Promise<boolean> => (await proxy.stats()).bytesUp > bytesUp + 1_000_000;
    await waitFor(async () => program.child.exitCode !== null || more(), { what: 'more bytes to pass' });
    expect(program.child.exitCode, stderr()).toBe(null);
    program.child.kill('SIGTERM');
    await closed;
    expect(await program.exited).toEqual({ code: 143, signal: null });
  });

  it('goes on after it was interrupted, by the same command', async () => {
    const { program, closed } = await startUpload('again');
    program.child.kill('SIGINT');
    await closed;
    expect(existsSync(join(bed.server.home, 'again'))).toBe(false);
    const rest = await startMtput([bed.dir.file('big.bin')], { server: bed.server, path: 'again' });
    rest.child.stdout?.resume();
    rest.child.stderr?.resume();
    expect(await rest.exited).toEqual({ code: 0, signal: null });
    expect(await sha256Of(join(bed.server.home, 'again'))).toBe(await sha256Of(bed.dir.file('big.bin')));
    expect(await partialsOf(bed.server.home, 'again')).toEqual([]);
  });

  it.each(['stdout', 'stderr'] as const)('a closed %s is no failure of the copy', async (stream) => {
    const target = `closed-${stream}`;
    const to = { server: bed.server, path: target };
    const more = stream === 'stdout' ? ['--json'] : ['-vv'];
    const program = await startMtput([bed.dir.file('big.bin')], to, [...more, '-n', '3', '--limit', '30M']);
    const stderr = stream === 'stdout' ? listen(program.child.stderr) : () => '';
    program.child.stdout?.once('data', () => {});
    await once(program.child[stream] as NodeJS.ReadableStream, 'data');
    program.child[stream]?.destroy();
    const exit = await program.exited;
    expectSuccess({ ...exit, stdout: '', stderr: stderr() });
    expect(await sha256Of(join(bed.server.home, target))).toBe(await sha256Of(bed.dir.file('big.bin')));
  });
});
