/** Downloads that are cut off, and run again. */
import { appendFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Bed, describeOnEach } from '../support/each-server.ts';
import { startLiveDownload } from '../support/live-run.ts';
import { eventsOf, type JsonRun, mtgetJson } from '../support/mtput.ts';
import { partialsOf } from '../support/partials.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const MB = 1_000_000;
const SIZE = byTier(20, 200) * MB;
const CONNECTIONS = byTier(2, 4);
const several = ['-n', String(CONNECTIONS)];
/** Slow enough to be cut off somewhere in the middle. */
const SLOWLY = [...several, '--limit', `${SIZE / 4}B`];
/** What these connections have in flight, and what no file system has seen when a process is killed. */
const IN_FLIGHT = 2 * MB * CONNECTIONS;
const MOST_AGAIN = IN_FLIGHT + SIZE / 100;

interface Cut {
  readonly target: string;
  /** Bytes that had arrived when the run was cut off, as it last told. */
  readonly arrived: number;
}

async function sourceOf({ server }: Bed, name: string): Promise<string> {
  const path = join(server.home, name);
  await writeRandomFile(path, SIZE);
  return path;
}

/** Begins to download `name`, and ends that by `end` when a third has arrived. */
async function cutOff(
  bed: Bed,
  name: string,
  args: readonly string[] = [],
  end = 'SIGKILL' as NodeJS.Signals,
): Promise<Cut> {
  const target = bed.dir.file(`got-${name}`);
  const run = await startLiveDownload({ server: bed.server, paths: [name] }, target, [...SLOWLY, ...args]);
  await run.event('progress', ({ bytesDone }) => bytesDone > SIZE / 3);
  run.kill(end);
  await run.end();
  const arrived = Math.max(0, ...run.events.map((event) => (event.type === 'progress' ? event.bytesDone : 0)));
  return { target, arrived };
}

async function again(bed: Bed, name: string, args: readonly string[] = []): Promise<JsonRun> {
  const run = await mtgetJson({ server: bed.server, paths: [name] }, bed.dir.file(`got-${name}`), [
    ...several,
    ...args,
  ]);
  expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
  return run;
}

function received(run: JsonRun): number {
  return eventsOf(run, 'result')[0]!.bytesSent;
}

async function expectArrived(bed: Bed, name: string, target: string): Promise<void> {
  expect(await sha256Of(target)).toBe(await sha256Of(join(bed.server.home, name)));
  expect(await partialsOf(bed.dir.path, `got-${name}`)).toEqual([]);
}

const SOURCE_CHANGES: readonly (readonly [string, (path: string) => Promise<void>])[] = [
  ['grows', (path) => writeFile(path, 'more', { flag: 'a' })],
  ['is removed', (path) => rm(path)],
  ['is written', (path) => utimes(path, 1_000_000_000, 1_000_000_000)],
];

describeOnEach('mtget that is cut off and run again', (bed) => {
  it('keeps what had arrived when it is interrupted, and says so', async () => {
    await sourceOf(bed, 'interrupted');
    const target = bed.dir.file('got-interrupted');
    const live = await startLiveDownload({ server: bed.server, paths: ['interrupted'] }, target, SLOWLY);
    await live.event('progress', ({ bytesDone }) => bytesDone > SIZE / 3);
    live.kill('SIGINT');
    const stopped = await live.end();
    const [result] = eventsOf(stopped, 'result');
    expect(result).toMatchObject({ exitCode: 130, error: { code: 'cancelled' } });
    expect(result!.bytesKept).toBeGreaterThan(SIZE / 4);
    expect(received(await again(bed, 'interrupted'))).toBeLessThanOrEqual(SIZE - result!.bytesKept + MOST_AGAIN);
    await expectArrived(bed, 'interrupted', target);
  });

  it('begins anew where the source has changed', async () => {
    const source = await sourceOf(bed, 'changed');
    const { target } = await cutOff(bed, 'changed', ['--digest-provider', 'none']);
    await writeRandomFile(source, SIZE);
    await utimes(source, 1_000_000_000, 1_000_000_000);
    const run = await again(bed, 'changed', ['--digest-provider', 'none']);
    await expectArrived(bed, 'changed', target);
    expect(received(run)).toBeGreaterThanOrEqual(SIZE);
  });

  it('--no-resume begins anew, and removes what was left', async () => {
    await sourceOf(bed, 'anew');
    const { target } = await cutOff(bed, 'anew');
    expect(received(await again(bed, 'anew', ['--no-resume']))).toBeGreaterThanOrEqual(SIZE);
    await expectArrived(bed, 'anew', target);
  });

  it('goes on where all connections are lost meanwhile', async () => {
    await sourceOf(bed, 'lost');
    const target = bed.dir.file('got-lost');
    const run = await startLiveDownload({ server: bed.server, paths: ['lost'] }, target, SLOWLY);
    await run.event('progress', ({ bytesDone }) => bytesDone > SIZE / 3);
    await bed.server.killSessions();
    const ended = await run.end();
    expect(ended.code).toBe(0);
    await expectArrived(bed, 'lost', target);
    expect(received(ended)).toBeLessThanOrEqual(SIZE + MOST_AGAIN);
  });

  it.each(byTier(SOURCE_CHANGES.slice(0, 1), SOURCE_CHANGES))(
    '10 where the source %s meanwhile, and no target',
    async (what, change) => {
      const name = `source-${what.replaceAll(' ', '-')}`;
      const source = await sourceOf(bed, name);
      const target = bed.dir.file(`got-${name}`);
      const run = await startLiveDownload({ server: bed.server, paths: [name] }, target, SLOWLY);
      await run.event('progress', ({ bytesDone }) => bytesDone > SIZE / 3);
      await change(source);
      expect((await run.end()).code).toBe(10);
      expect(await stat(target).catch(() => 'nothing')).toBe('nothing');
    },
  );

  it('a target that was written in place is said to be incomplete', async () => {
    const source = await sourceOf(bed, 'in-place');
    const target = bed.dir.file('got-in-place');
    await writeFile(target, 'what was there before');
    const run = await startLiveDownload({ server: bed.server, paths: ['in-place'] }, target, ['--inplace', ...SLOWLY]);
    await run.event('progress', ({ bytesDone }) => bytesDone > SIZE / 3);
    await appendFile(source, 'more');
    const { code, events } = await run.end();
    expect(code).toBe(10);
    const says = /got-in-place now has a part of the new file .*, and its old content is lost\.$/;
    const message: unknown = expect.stringMatching(says);
    expect(events).toContainEqual(expect.objectContaining({ type: 'notice', code: 'target-overwritten', message }));
  });

  it('the second of two runs on one target ends with 12 at once', async () => {
    await sourceOf(bed, 'twice');
    const target = bed.dir.file('got-twice');
    const first = await startLiveDownload({ server: bed.server, paths: ['twice'] }, target, SLOWLY);
    await waitFor(async () => (await readdir(bed.dir.path)).some((name) => name.startsWith('.got-twice')), {
      what: 'the partial file',
    });
    const second = await mtgetJson({ server: bed.server, paths: ['twice'] }, target);
    expect(second.code).toBe(12);
    expect((await first.end()).code).toBe(0);
    await expectArrived(bed, 'twice', target);
  });
});
