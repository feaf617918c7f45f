/** Sources whose size says nothing, such as those of /proc: they are sent to their end, or the old target stays. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeOnEach } from '../support/each-server.ts';
import { proxyForTest } from '../support/for-one-test.ts';
import { startLiveRun } from '../support/live-run.ts';
import { eventsOf, mtput, mtputJson } from '../support/mtput.ts';
import { standOldTarget } from '../support/old-target.ts';
import { expectSuccess } from '../support/run-outcome.ts';
import { waitFor } from '../support/wait-for.ts';

const LARGE = '/proc/kallsyms';
const SHORT = '/sys/kernel/mm/transparent_hugepage/enabled';
const isLarge = existsSync(LARGE) && readFileSync(LARGE).length > 2_000_000;

describeOnEach('streams', (bed) => {
  it.runIf(isLarge)('says it is empty, and is not', async () => {
    const target = join(bed.server.home, 'large');
    await standOldTarget(target);
    const run = await mtputJson([LARGE], { server: bed.server, path: 'large' });
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const bytes = await readFile(LARGE);
    expect((await readFile(target)).equals(bytes)).toBe(true);
    expect(eventsOf(run, 'result')[0]).toMatchObject({
      bytesSent: bytes.length,
      verified: { byDigest: bytes.length, bySize: 0 },
    });
  });

  it.runIf(existsSync(SHORT))('says it has more than it has', async () => {
    expect(statSync(SHORT).size).toBe(4096);
    const run = await mtput([SHORT], { server: bed.server, path: 'short' });
    expectSuccess(run);
    expect(run.stderr).toMatch(/^1 file, size not known yet, to/);
    expect(run.stderr).toMatch(/enabled: \d+ B in .*verified by digest/);
    expect(await readFile(join(bed.server.home, 'short'), 'utf8')).toBe(await readFile(SHORT, 'utf8'));
  });

  it.runIf(isLarge)('begins anew when its connection is lost', async () => {
    const { server } = bed;
    const proxy = await proxyForTest(server, { bytesPerSecond: 1_000_000 });
    const run = await startLiveRun([LARGE], { server, port: proxy.port, path: 'lost' });
    await waitFor(async () => (await proxy.stats()).bytesUp > 1_000_000, { what: 'bytes', timeoutMs: 30_000 });
    await proxy.reset('all');
    await run.event('notice', ({ code }) => code === 'started-over');
    await proxy.reshape('all', { bytesPerSecond: 1_000_000_000 });
    expect(await run.end()).toMatchObject({ code: 0, stderr: '' });
    expect((await readFile(join(server.home, 'lost'))).equals(await readFile(LARGE))).toBe(true);
    expect((await readdir(server.home)).filter((name) => name.startsWith('.lost'))).toEqual([]);
  });
});
