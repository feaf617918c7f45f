/** What is printed, and where. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { TransferEvent } from '../../src/engine/events.ts';
import { type Bed, describeOn } from '../support/each-server.ts';
import { cleanEnvironment, eventsOf, mtput, mtputJson, mtputPath, putArguments } from '../support/mtput.ts';
import { type RunResult, run } from '../support/process.ts';
import { writeRandomFile } from '../support/random-file.ts';

const control = /[\x00-\x09\x0b-\x1f\x7f\u0080-\u009f]/;
const sequences = /\x1b\[[?\d;]*[A-Za-z]/g;
const SIZE = 6_000_000;

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Runs mtput on a terminal of its own, 100 cells wide; what the terminal got is in stdout. */
function onTerminal(
  bed: Bed,
  target: string,
  more: readonly string[],
  env: NodeJS.ProcessEnv = {},
  size = 'cols 100 rows 30',
): Promise<RunResult> {
  const args = putArguments([bed.dir.file('source.bin')], { server: bed.server, path: target }, more);
  const command = ['exec', quote(process.execPath), quote(mtputPath), ...args.map(quote)].join(' ');
  return run('script', ['-qec', `stty ${size}; ${command}`, '/dev/null'], {
    env: { ...cleanEnvironment(bed.server.dir), SHELL: '/bin/sh', TERM: 'xterm', ...env },
  });
}

describeOn('sshd', 'output', (bed) => {
  const put = (target: string, more: readonly string[] = []) =>
    mtput([bed.dir.file('source.bin')], { server: bed.server, path: target }, more);

  beforeAll(() => writeRandomFile(bed.dir.file('source.bin'), SIZE));

  it('without a terminal: a line before, a line after, no escape sequences', async () => {
    const { code, stdout, stderr } = await put('plain.bin');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).not.toMatch(control);
    const size = String.raw`5\.7 MiB`;
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(new RegExp(`${size}, to .*/plain\\.bin over up to 2 connections$`)),
      expect.stringMatching(new RegExp(`^source\\.bin: ${size} in .*/s\\), [12] connections?, verified by digest$`)),
    ]);
  });

  it('--color always colours even then', async () => {
    expect((await put('coloured.bin', ['--color', 'always'])).stderr).toContain('\x1b[32m');
  });

  it('-q says nothing', async () => {
    expect(await put('quiet.bin', ['-q'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('-q says what failed', async () => {
    const { code, stdout, stderr } = await mtput([bed.dir.file('nothing')], { server: bed.server, path: 'x' }, ['-q']);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/^mtput: .* does not exist\.\nCheck the path of the source\.\n$/);
  });

  it('-v tells of connections', async () => {
    const { stderr } = await put('verbose.bin', ['-v', '-n', '2']);
    expect(stderr).toMatch(/^connection 1 open \(OpenSSH/m);
  });

  it('--json: versioned events on stdout, the plan before files, the result last', async () => {
    const run = await mtputJson([bed.dir.file('source.bin')], { server: bed.server, path: 'json.bin' }, ['-n', '2']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout.endsWith('\n')).toBe(true);
    const { events } = run;
    expect(events.every(({ v, atMs }) => v === 1 && Math.abs(atMs - Date.now()) < 60_000)).toBe(true);
    const times = events.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    const types = events.map(({ type }) => type);
    const allowedBefore = new Set<TransferEvent['type']>(['connection', 'notice']);
    expect(types.find((type) => !allowedBefore.has(type))).toBe('plan');
    expect(types.at(-1)).toBe('result');
    expect(types.filter((type) => type === 'plan' || type === 'result')).toHaveLength(2);
    expect(eventsOf(run, 'plan')[0]).toMatchObject({
      direction: 'upload',
      files: 1,
      bytes: SIZE,
      connections: 2,
      destination: join(bed.server.home, 'json.bin'),
      dryRun: false,
    });
    expect(eventsOf(run, 'file').map(({ state }) => state)).toEqual(['started', 'committing', 'done']);
    expect(eventsOf(run, 'result')[0]).toMatchObject({
      exitCode: 0,
      filesDone: 1,
      filesFailed: 0,
      bytesSent: SIZE,
      verified: { byDigest: SIZE, byReadBack: 0, bySize: 0, notVerified: 0 },
    });
  });

  it('--json tells of a failure on stdout as data, on stderr in words', async () => {
    const run = await mtputJson([bed.dir.file('nothing')], { server: bed.server, path: 'x' });
    expect(run.code).toBe(3);
    expect(run.stderr).toMatch(/^mtput: .* does not exist\.\n/);
    expect(run.events.at(-1)).toMatchObject({
      type: 'result',
      exitCode: 3,
      error: { code: 'source-missing', exitCode: 3, advice: 'Check the path of the source.' },
    });
  });

  it('--json with --verify none says so', async () => {
    const to = { server: bed.server, path: 'unverified.bin' };
    const run = await mtputJson([bed.dir.file('source.bin')], to, ['--verify', 'none']);
    expect(eventsOf(run, 'result')[0]).toMatchObject({ verified: { bySize: 0, notVerified: SIZE } });
  });

  it('on a terminal: a progress line with percent, bytes, rate, ETA and connections', async () => {
    const { code, stdout } = await onTerminal(bed, 'terminal.bin', ['-n', '2', '--limit', '4M']);
    expect(code, stdout).toBe(0);
    expect(stdout).toContain('\x1b[');
    expect(stdout).toMatch(
      /source\.bin {2}\d{1,2}% {2}[\d.]+ [KM]iB of 5\.7 MiB {2}[\d.]+ [KM]iB\/s {2}ETA \d+ ?s {2}CN:2\/2/,
    );
    // The progress line is gone at the end; what was done stays.
    const last = stdout
      .replace(sequences, '')
      .trimEnd()
      .split(/[\r\n]+/)
      .at(-1);
    expect(last).toMatch(/source\.bin: 5\.7 MiB in .* connections?, verified by digest$/);
    expect((await stat(join(bed.server.home, 'terminal.bin'))).size).toBe(SIZE);
  });

  it('on a dumb terminal, or with --progress never: lines alone', async () => {
    const [dumb, never] = await Promise.all([
      onTerminal(bed, 'dumb.bin', [], { TERM: 'dumb' }),
      onTerminal(bed, 'never.bin', ['--progress', 'never']),
    ]);
    for (const { code, stdout } of [dumb, never]) {
      expect(code, stdout).toBe(0);
      expect(stdout.replaceAll('\r\n', '\n')).not.toMatch(control);
    }
  });

  it('on a terminal without a size: lines alone', async () => {
    const { code, stdout } = await onTerminal(bed, 'sizeless.bin', [], {}, 'cols 0 rows 0');
    expect(code, stdout).toBe(0);
    expect(stdout.replaceAll('\r\n', '\n')).not.toMatch(control);
    expect(stdout).toMatch(/source\.bin: 5\.7 MiB in /);
  });

  it('on a terminal: a failure is the last thing to be read', async () => {
    const { code, stdout } = await onTerminal(bed, 'x/', ['-n', '2', '--pin-host-key', `SHA256:${'A'.repeat(43)}`]);
    expect(code, stdout).toBe(6);
    expect(stdout).toMatch(/not pinned/);
    const last = stdout
      .replace(sequences, '')
      .trimEnd()
      .split(/[\r\n]+/)
      .at(-1);
    expect(last).toMatch(/^Ask the owner of the server/);
  });
});
